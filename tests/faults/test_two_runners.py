"""Two runs of one sweep in one folder: nothing lost, nothing twice, neither harmed by the other."""

import os

import pytest

from colora_theory.experiments.errors import StoreError
from colora_theory.experiments.plan import Chunk
from colora_theory.experiments.runner import run
from colora_theory.experiments.store import DamagedFileError, Store
from tests.experiments.conftest import Notes
from tests.experiments.test_store import rows_for


@pytest.fixture
def other(store):
    """The same folder, as another process has it."""
    return Store(store.root)


def test_the_other_finishes_the_very_same_chunk_while_this_one_is_written(store, other, plan, monkeypatch):
    """The other removes the temporary file of this one, taking it for a leftover."""
    store.prepare(plan)
    chunk, sync, interfered = plan.chunks[0], os.fsync, []

    def interfere(descriptor):
        sync(descriptor)
        if not interfered:
            interfered.append(True)
            other.write_chunk(plan, chunk, rows_for(chunk), {"of": "the other"})

    monkeypatch.setattr(os, "fsync", interfere)
    store.write_chunk(plan, chunk, rows_for(chunk), {"of": "this one"})
    assert interfered
    assert store.read_chunk(plan, chunk).equals(rows_for(chunk))
    assert [path.name for path in store.chunk_path(plan, chunk).parent.iterdir()] == [f"{chunk.id}.parquet"]


def test_a_folder_that_vanishes_is_named_after_a_few_attempts(store, plan):
    chunk = plan.chunks[0]
    with pytest.raises(StoreError, match=r"cannot write to the results folder .*chunks: No such file"):
        store.write_chunk(plan, chunk, rows_for(chunk), {})


def test_both_set_the_same_damaged_file_aside(store, other, plan):
    store.prepare(plan)
    path = store.chunk_path(plan, plan.chunks[0])
    path.write_bytes(b"damaged")
    found = DamagedFileError(path, "no good")
    moved = store.quarantine(plan, found)
    other.quarantine(plan, found)
    assert moved.read_bytes() == b"damaged"


def test_a_place_in_quarantine_is_never_taken_twice(store, plan):
    store.prepare(plan)
    path = store.chunk_path(plan, plan.chunks[0])
    for content in (b"first", b"second", b"third"):
        path.write_bytes(content)
        store.quarantine(plan, DamagedFileError(path, "no good"))
        if content == b"second":
            # Somebody tidies up: from now on, the number of files is the name of one of them.
            (store.quarantine_folder(plan) / f"0-{path.name}").unlink()
    assert [kept.read_bytes() for kept in sorted(store.quarantine_folder(plan).iterdir())] == [b"third", b"second"]


def test_a_whole_run_within_a_run(store, other, plan, monkeypatch):
    """The other computes everything while this one is at its first chunk."""
    started = []

    def compute(chunk):
        if not started:
            started.append(True)
            run(plan, other, Notes())
        return rows_for(chunk, float(plan.chunks.index(chunk)))

    monkeypatch.setattr(Chunk, "compute", compute)
    notes = Notes()
    run(plan, store, notes)
    assert notes.notes == []
    frame = store.load("tiny", "smoke")
    order = [float(number) for number, chunk in enumerate(plan.chunks) for _ in range(chunk.num_cells)]
    assert frame["relative_error"].tolist() == order
    assert notes.found == plan.num_cells - plan.chunks[0].num_cells


@pytest.mark.parametrize(("harm", "message"), [("unlink", "is gone"), ("damage", "checksum")])
def test_a_chunk_harmed_before_the_table_is_made_is_named_with_the_remedy(store, plan, harm, message):
    store.prepare(plan)
    for chunk in plan.chunks:
        store.write_chunk(plan, chunk, rows_for(chunk), {})
    path = store.chunk_path(plan, plan.chunks[1])
    if harm == "unlink":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match=message) as caught:
        store.write_table(plan)
    assert "run the same command again" in str(caught.value)
    assert not store.table_path(plan.sweep, plan.preset).exists()

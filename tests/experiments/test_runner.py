import errno
import os

import pytest

from colora_theory.experiments.errors import StoreError
from colora_theory.experiments.plan import Chunk, make_plan
from colora_theory.experiments.runner import run
from colora_theory.experiments.store import Store
from tests.experiments.conftest import Notes


def numbers(store, plan):
    frame = store.load(plan.sweep, plan.preset)
    return frame.drop(columns=["seconds", "seconds_per_step"]).astype(object).to_csv()


@pytest.fixture
def reference(plan, tmp_path):
    """What a run without interruption gives."""
    store = Store(tmp_path / "reference")
    run(plan, store, Notes())
    return numbers(store, plan)


def stop_after(chunks, monkeypatch, error):
    """Let that many chunks pass, then raise."""
    compute, done = Chunk.compute, []

    def stopping(chunk):
        if len(done) == chunks:
            raise error
        done.append(chunk)
        return compute(chunk)

    monkeypatch.setattr(Chunk, "compute", stopping)


def test_a_run_reports_what_it_did(plan, store, notes):
    report = run(plan, store, notes)
    assert (report.computed, report.found) == (plan.num_cells, 0)
    assert (notes.total, notes.computed, notes.found) == (plan.num_cells, plan.num_cells, 0)
    assert sum(report.statuses.values()) == plan.num_cells
    assert report.path.exists()


def test_a_finished_sweep_is_not_computed_again(plan, store, notes, reference, monkeypatch):
    run(plan, store, Notes())
    stop_after(0, monkeypatch, AssertionError("computed again"))
    report = run(plan, store, notes)
    assert (report.computed, report.found) == (0, plan.num_cells)
    assert numbers(store, plan) == reference


def test_an_interrupted_sweep_goes_on_and_ends_equal(plan, store, notes, reference, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(1, patch, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run(plan, store, Notes())
    assert not store.table_path("tiny", "smoke").exists()
    run(plan, store, notes)
    assert notes.found == plan.chunks[0].num_cells
    assert notes.computed == plan.chunks[1].num_cells
    assert numbers(store, plan) == reference


def test_a_truncated_chunk_is_set_aside_named_and_computed_again(plan, store, notes, reference):
    run(plan, store, Notes())
    path = store.chunk_path(plan, plan.chunks[1])
    path.write_bytes(path.read_bytes()[:100])
    run(plan, store, notes)
    assert notes.computed == plan.chunks[1].num_cells
    (note,) = notes.notes
    assert str(path) in note
    assert "truncated" in note
    assert "quarantine" in note
    assert numbers(store, plan) == reference


def test_a_foreign_file_in_place_of_the_table_is_set_aside(plan, store, notes, reference):
    store.prepare(plan)
    path = store.table_path("tiny", "smoke")
    path.write_text("dear diary")
    run(plan, store, notes)
    (kept,) = store.quarantine_folder(plan).iterdir()
    assert kept.read_text() == "dear diary"
    assert str(path) in notes.notes[0]
    assert numbers(store, plan) == reference


def test_a_disk_that_fills_up_keeps_what_is_finished(plan, store, notes, monkeypatch):
    sync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            run(plan, store, Notes())
    report = run(plan, store, notes)
    assert report.found == plan.chunks[0].num_cells


def test_a_longer_grid_keeps_other_chunks_and_replaces_the_table(config, plan, store, notes):
    run(plan, store, Notes())
    grid = config.grid[0].model_copy(update={"num_samples": [12, 14, 24]})
    longer = make_plan(config.model_copy(update={"grid": [grid]}), "smoke")
    report = run(longer, store, notes)
    assert notes.found == plan.num_cells
    assert report.computed == longer.num_cells - plan.num_cells
    assert len(store.load("tiny", "smoke")) == longer.num_cells

"""A clock that is wrong changes nothing: what is finished is known by its content."""

import os
import time

import pytest

from colora_theory.experiments.plan import Chunk
from colora_theory.experiments.runner import run
from tests.experiments.test_store import rows_for


@pytest.mark.parametrize("stamp", [0, 4102444800], ids=["1970", "2100"])
def test_a_clock_set_back_or_forward_repeats_nothing(store, plan, notes, monkeypatch, stamp):
    store.prepare(plan)
    finished, missing = plan.chunks
    store.write_chunk(plan, finished, rows_for(finished), {})
    path = store.chunk_path(plan, finished)
    os.utime(path, (stamp, stamp))
    before = path.read_bytes()
    computed = []
    monkeypatch.setattr(time, "time", lambda: 1e9 - stamp)
    monkeypatch.setattr(time, "time_ns", lambda: int(1e18) - stamp * 10**9)
    monkeypatch.setattr(Chunk, "compute", lambda chunk: computed.append(chunk) or rows_for(chunk))
    run(plan, store, notes)
    assert computed == [missing]
    assert path.read_bytes() == before
    assert len(store.load("tiny", "smoke")) == plan.num_cells
    assert (notes.found, notes.notes) == (finished.num_cells, [])

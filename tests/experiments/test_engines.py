"""Whatever carries the chunks, the table is the same; and what happens when a carrier breaks."""

import contextlib
import dataclasses
import os
import signal
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from colora_theory.experiments.config import load_config
from colora_theory.experiments.engines import dask_cluster, work
from colora_theory.experiments.engines.base import LaneTooLargeError, Outcome, OutOfMemoryError
from colora_theory.experiments.engines.choice import choose
from colora_theory.experiments.engines.concurrent import Concurrent, Pool, WorkerDiedError
from colora_theory.experiments.engines.cores import available_cores, divided
from colora_theory.experiments.engines.dask_cluster import ClusterError, DaskPool
from colora_theory.experiments.engines.in_process import InProcess
from colora_theory.experiments.engines.job import Job
from colora_theory.experiments.engines.processes import Processes
from colora_theory.experiments.errors import ColoraError, ConfigError
from colora_theory.experiments.own_sweeps import claim
from colora_theory.experiments.plan import Chunk, Recipe, make_plan
from colora_theory.experiments.runner import run
from colora_theory.experiments.shard import Shard, parse_shard
from colora_theory.experiments.status import Survey
from colora_theory.experiments.store import Store
from tests.experiments.conftest import Notes, without_timing


def table(report):
    return without_timing(pq.read_table(report.path).replace_schema_metadata(None))


@pytest.fixture(scope="module")
def reference(tmp_path_factory, tiny_plan):
    """What one process computes, uninterrupted."""
    return table(run(tiny_plan, Store(tmp_path_factory.mktemp("reference")), Notes()))


@pytest.fixture(scope="module")
def tiny_plan(tmp_path_factory):
    file = tmp_path_factory.mktemp("file") / "tiny.toml"
    file.write_text(TINY.format(name="tiny", samples="[12, 14]"))
    return make_plan(load_config(file), "custom")


TINY = """
name = "{name}"
[[grid]]
num_users = 4
num_rows = 7
num_cols = 6
rank = 2
num_samples = {samples}
method = ["alternating", "oracle"]
num_seeds = 2
max_steps = 50
"""


def dies_once(asking, part):
    """A worker that is killed, the first time in a folder that the environment names."""
    with contextlib.suppress(FileExistsError):
        Path(os.environ["COLORA_TEST_MARK"]).touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)
    return work.compute_for(asking, part)


def test_two_processes_one_of_which_is_killed(store, tiny_plan, reference, notes, tmp_path, monkeypatch):
    monkeypatch.setenv("COLORA_TEST_MARK", str(tmp_path / "mark"))
    cores = available_cores()
    with Concurrent(Processes([cores[:1], cores[-1:]], dies_once)) as engine:
        report = run(tiny_plan, store, notes, engine)
    assert table(report).equals(reference)
    assert len(notes.notes) == 1
    assert "computed again" in notes.notes[0]
    assert notes.computed == tiny_plan.num_cells


def test_two_shards_make_one_table_whoever_is_last(store, tiny_plan, reference, notes):
    first = run(tiny_plan, store, Notes(), shard=Shard(2, 2))
    assert (first.path, first.owed) == (None, 1)
    last = run(tiny_plan, store, notes, shard=Shard(1, 2))
    assert table(last).equals(reference)
    assert (notes.total, notes.computed) == (tiny_plan.chunks[0].num_cells, tiny_plan.chunks[0].num_cells)


def test_every_chunk_is_in_one_shard(plan):
    for count in (1, 2, 3, 7):
        shares = [chunk for index in range(count) for chunk in Shard(index + 1, count).of(plan)]
        assert sorted(chunk.id for chunk in shares) == sorted(chunk.id for chunk in plan.chunks)


def test_a_dask_cluster(store, tiny_plan, reference, notes):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(2, processes=False, threads_per_worker=1, dashboard_address=None) as cluster,
        Concurrent(DaskPool(cluster.scheduler_address)) as engine,
    ):
        report = run(tiny_plan, store, notes, engine)
    assert table(report).equals(reference)


def test_a_scheduler_that_does_not_answer_is_named(plan, store, notes, monkeypatch):
    monkeypatch.setattr(dask_cluster, "_SECONDS_TO_CONNECT", 0.3)
    with (
        Concurrent(DaskPool("tcp://127.0.0.1:1")) as engine,
        pytest.raises(ClusterError, match="no answer from a dask"),
    ):
        run(plan, store, notes, engine)


class Scripted(Pool):
    """Computes in this process, and raises what a script says before."""

    attempts = 2

    def __init__(self, script):
        self.script, self.lanes, self.most = list(script), [], 0

    def capacity(self):
        return 2

    def submit(self, part):
        self.lanes.append(len(part.draws))
        future = Future()
        error = self.script.pop(0) if self.script else None
        if error is None:
            future.set_result(work.compute(part))
        else:
            future.set_exception(error)
        return future

    def translate(self, error):
        return WorkerDiedError("killed") if isinstance(error, BrokenProcessPool) else error

    def look_after(self, note):
        pass

    def close(self):
        pass


def test_a_chunk_that_kills_twice_is_split_and_its_rows_are_the_same(store, tiny_plan, reference, notes, monkeypatch):
    pool = Scripted([BrokenProcessPool(), BrokenProcessPool(), BrokenProcessPool(), BrokenProcessPool()])
    assert table(run(tiny_plan, store, notes, Concurrent(pool))).equals(reference)
    assert pool.lanes.count(1) >= 2


def test_rows_of_parts_are_put_in_the_order_of_the_whole(tiny_plan):
    (one, *_), seeds = tiny_plan.chunks, range(5)
    chunk = dataclasses.replace(
        one,
        draws=tuple(dataclasses.replace(one.draws[0], seed=seed) for seed in seeds),
        recipes=(Recipe("alternating", "stacked"), Recipe("altgdmin", "stacked")),
    )

    def computed(part):
        pairs = [(recipe.method, draw.seed) for recipe in part.recipes for draw in part.draws]
        return Outcome(pa.table({"method": [method for method, _ in pairs], "seed": [seed for _, seed in pairs]}), {})

    job = Job(chunk)
    for _ in range(2):
        assert job.split("too large") is None
    while (whole := job.take(computed(job.part))) is None:
        pass
    assert whole.rows.equals(computed(chunk).rows)


def test_what_does_not_fit_is_computed_lane_by_lane(store, tiny_plan, reference, notes, monkeypatch):
    compute = Chunk.compute

    def small(chunk):
        if len(chunk.draws) > 1:
            raise MemoryError("Unable to allocate")
        return compute(chunk)

    monkeypatch.setattr(Chunk, "compute", small)
    assert table(run(tiny_plan, store, notes)).equals(reference)


def test_a_cell_that_does_not_fit_is_named_and_all_others_are_kept(store, tiny_plan, notes, monkeypatch):
    compute, large = Chunk.compute, tiny_plan.chunks[0].draws[1]

    def cramped(chunk):
        if large in chunk.draws:
            raise MemoryError("Unable to allocate")
        return compute(chunk)

    monkeypatch.setattr(Chunk, "compute", cramped)
    with pytest.raises(LaneTooLargeError, match=r"num_samples = 12.*seed = 1.*GiB") as caught:
        run(tiny_plan, store, notes)
    assert "--workers" in str(caught.value)
    assert store.read_chunk(tiny_plan, tiny_plan.chunks[1]) is not None


@pytest.mark.parametrize(
    "error",
    [
        work.jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes."),  # on a GPU
        work.jax.errors.JaxRuntimeError("INTERNAL: Error dispatching computation: Out of memory allocating 1 bytes."),
        MemoryError("std::bad_alloc"),
        SystemError("error return without exception set"),
    ],
)
def test_an_allocation_that_fails_is_known(plan, monkeypatch, error):
    def refuse(chunk):
        raise error

    monkeypatch.setattr(Chunk, "compute", refuse)
    with pytest.raises(OutOfMemoryError, match=str(error)):
        work.compute(plan.chunks[0])


@pytest.mark.parametrize("deadly", [range(1), range(7, 8), range(8)])
def test_a_lane_that_kills_every_worker_is_named_after_few_of_them(tiny_plan, deadly):
    """Deaths are carried over to the halves: two for the whole, one for each of its parts on the way to the lane."""
    one = tiny_plan.chunks[0]
    draws = tuple(dataclasses.replace(one.draws[0], seed=seed) for seed in range(8))
    pool = Scripted([])

    def submit(part):
        pool.lanes.append(len(part.draws))
        future = Future()
        if {draw.seed for draw in part.draws} & set(deadly):
            future.set_exception(BrokenProcessPool())
        else:
            rows = [draw.seed for _ in part.recipes for draw in part.draws]
            future.set_result(Outcome(pa.table({"seed": rows}), {}))
        return future

    pool.submit = submit
    ((_, result),) = Concurrent(pool).compute(iter([dataclasses.replace(one, draws=draws)]), lambda _: None)
    assert isinstance(result, LaneTooLargeError)
    assert f"seed = {deadly[0]}" in str(result)
    assert [lanes for lanes in pool.lanes if lanes == 8] == [8, 8]
    assert len(pool.lanes) <= 2 + 2 * 3


def test_results_of_other_code_are_not_taken(plan, monkeypatch):
    here = work.identity()
    for change in ({"source": "other"}, {"jax": "0.0"}):
        other = work.dataclasses.replace(here, **change)
        with pytest.raises(work.OtherCodeError, match="not taken"):
            work.compute_for(other, plan.chunks[0])


def test_no_worker_gets_a_chunk_before_its_last_one_was_taken(tiny_plan):
    pool = Scripted([])
    taken = Concurrent(pool).compute(iter(tiny_plan.chunks * 3), print)
    for number, _ in enumerate(taken, 1):
        assert len(pool.lanes) - number < pool.capacity()


def test_asked_to_stop_a_run_keeps_what_is_at_work(store, tiny_plan, notes):
    asked = []
    notes.advance = lambda *_, **__: asked.append(True)
    with pytest.raises(KeyboardInterrupt):
        run(tiny_plan, store, notes, stop=lambda: bool(asked))
    assert [store.read_chunk(tiny_plan, chunk) is not None for chunk in tiny_plan.chunks] == [True, False]


@pytest.mark.parametrize("workers", [0, -1, 10**6])
def test_more_workers_than_cores_are_refused_with_the_bound(workers):
    with pytest.raises(ConfigError, match=f"--workers {workers} is outside 1 to {len(available_cores())}"):
        choose(workers, None)


def test_workers_and_dask_together_are_refused():
    with pytest.raises(ConfigError, match="give one of them"):
        choose(1, "tcp://127.0.0.1:1")
    assert isinstance(choose(None, None), InProcess)


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "1/0", "-1/2", "a/b", "1/2/3", "", "9" * 50 + "/1"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(ConfigError, match="--shard"):
        parse_shard(text)


def test_cores_are_divided():
    for cores, workers in (([3, 4, 5, 9], 2), ([1, 2, 3, 4, 5], 3), ([7], 1)):
        shares = divided(cores, workers)
        assert [core for share in shares for core in share] == cores
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_status_tells_rate_and_failures_from_the_stored_chunks(store, plan, notes, monkeypatch):
    """Of a run that has one chunk left."""
    with contextlib.suppress(ColoraError, KeyboardInterrupt):
        run(plan, store, notes, stop=lambda: notes.computed > 0)
    monkeypatch.setattr("colora_theory.experiments.status.SWEEPS", {})
    survey = Survey(store)
    before = survey._standing(plan)
    assert (before.done, before.failing) == (notes.computed, notes.failing)
    assert before.rate > 0
    assert before.seconds_left == pytest.approx((before.total - before.done) / before.rate)
    monkeypatch.setattr("colora_theory.experiments.clock.now", lambda: -1.0)
    assert survey._standing(plan).rate is None  # before its beginning
    monkeypatch.setattr("colora_theory.experiments.clock.now", lambda: 1e12)
    assert survey._standing(plan).rate is None  # long ago


def test_another_file_of_the_same_name_is_refused(store, tmp_path):
    mine, theirs = tmp_path / "mine.toml", tmp_path / "theirs.toml"
    mine.write_text(TINY.format(name="same", samples=12))
    claim(load_config(mine), mine, store)
    theirs.write_text(TINY.format(name="same", samples=12))
    claim(load_config(theirs), theirs, store)  # equal grids
    theirs.write_text(TINY.format(name="same", samples=16))
    with pytest.raises(ConfigError, match=r"is taken in .* by other grids, those of .*mine\.toml"):
        claim(load_config(theirs), theirs, store)
    mine.write_text(TINY.format(name="same", samples="[12, 16]"))
    claim(load_config(mine), mine, store)  # the same file, longer


def test_grids_with_a_cell_in_common_are_refused(tmp_path):
    file = tmp_path / "twice.toml"
    grid = TINY.format(name="twice", samples="[12, 14]")
    again = grid.replace('name = "twice"', "").replace("[12, 14]", "[14, 16]")
    file.write_text(grid + again)
    with pytest.raises(ConfigError, match=r"grids 1 and 2 have a cell in common.*'alternating'.*num_samples = 14"):
        make_plan(load_config(file), "custom")
    file.write_text(grid + again.replace("max_steps = 50", "max_steps = 51"))
    assert make_plan(load_config(file), "custom").num_cells == 16

import contextlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.experiments import runtime, table, trial
from colora_theory.experiments.config import Grid, SweepConfig
from colora_theory.experiments.methods import METHODS, STARTS
from colora_theory.experiments.plan import Chunk, make_plan, recipes
from colora_theory.experiments.seeding import keys
from colora_theory.experiments.sweeps import SWEEPS
from colora_theory.experiments.trial import run_chunk
from tests.experiments.conftest import SHAPE, without_timing

# One layout for most tests, that of the fixture `plan`: it is compiled once.
AXES = SHAPE | {"num_samples": 14, "num_seeds": 2, "max_steps": 50}


def chunks_of(**axes) -> tuple[Chunk, ...]:
    return make_plan(SweepConfig(name="tiny", grid=[Grid(**(AXES | axes))]), "smoke").chunks


def rows_of(**axes):
    (chunk,) = chunks_of(**axes)
    return run_chunk(chunk).to_pylist()


@contextlib.contextmanager
def count_compilations():
    events = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            events.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield events
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


# What no sweep runs in its preset smoke (its tables are looked at); other numbers alone make no other program.
IN_SMOKE = {
    recipe
    for sweep in SWEEPS.values()
    for grid in sweep.presets["smoke"]
    if isinstance(grid, Grid)
    for recipe in recipes(grid)
}
METHODS_TRIED = [
    name for name in METHODS if name not in {recipe.method for recipe in IN_SMOKE} and not name.endswith("_fifth")
]
STARTS_TRIED = [
    name for name in STARTS if name not in {recipe.start for recipe in IN_SMOKE} and not name.startswith("annealed_")
]


@pytest.mark.parametrize(("axis", "names"), [("method", METHODS_TRIED), ("start", STARTS_TRIED)])
def test_every_method_and_start_gives_rows_of_the_schema(axis, names):
    (chunk,) = chunks_of(noise=0.1, **{axis: list(names)})
    rows = run_chunk(chunk)
    assert rows.schema.equals(table.SCHEMA)
    assert rows.num_rows == chunk.num_cells == 2 * len(names)
    for row in rows.to_pylist():
        assert row["status_name"] == ct.Status(row["status"]).name
        assert row["seconds"] > 0
        assert row["steps"] >= (0 if row["method"] in ("start", "method_of_moments") else 1)
        assert np.isfinite([row["relative_error"], row["sine_left"], row["sine_right"], row["relative_residual"]]).all()
        assert 0 < row["overlap_left"] <= 1 + 1e-12
        assert 0 < row["overlap_right"] <= 1 + 1e-12
        assert row["relative_error_trace"] is None


@pytest.mark.parametrize("start", ["pooled", "stacked", "random"])
def test_rows_equal_solves_one_at_a_time(start):
    (chunk,) = chunks_of(num_samples=[13, 15], similarity=0.5, start=start, num_seeds=1)
    for draw, row in zip(chunk.draws, run_chunk(chunk).to_pylist(), strict=True):
        family = ct.TaskFamily(draw.num_users, draw.num_rows, draw.num_cols, draw.rank, draw.similarity)
        (data_key,), (start_key,) = keys([draw], "data"), keys([draw], "start")
        count, capacity = jnp.asarray(draw.num_samples), chunk.layout.capacity
        instance = ct.sample_instance(data_key, family, count, capacity=capacity)
        solver = ct.solvers.AlternatingMinimization()
        solution = ct.solve(instance.problem, solver, STARTS[start], draw.rank, key=start_key, max_steps=50)
        assert (row["num_samples"], row["similarity"], row["seed"]) == (draw.num_samples, draw.similarity, draw.seed)
        assert row["status"] == int(solution.status)
        for name in ("relative_error", "mean_squared_error", "sine_left", "sine_right"):
            alone = float(getattr(ct.metrics, name)(solution.factors, instance.truth))
            assert row[name] == pytest.approx(alone, rel=1e-10, abs=1e-10)


def test_all_methods_meet_the_same_instances_whatever_stands_beside_them():
    alone = rows_of(noise=0.1, method="oracle")
    beside = [row for row in rows_of(noise=0.1, method=["alternating", "oracle"]) if row["method"] == "oracle"]
    timing = dict.fromkeys(table.TIMING_COLUMNS)
    assert [row | timing for row in alone] == [row | timing for row in beside]
    # The oracle knows the true subspaces of the very instance that it is given.
    assert all(row["sine_left"] < 1e-12 for row in beside)


def test_a_second_chunk_of_a_group_compiles_nothing(monkeypatch):
    monkeypatch.setattr("colora_theory.experiments.plan.MAX_LANES", 2)
    first, second = chunks_of(num_cols=5, num_seeds=3, method=["alternating", "oracle"])
    assert len(first.draws) != len(second.draws)
    with count_compilations() as compiled:
        run_chunk(first)
        assert compiled
        compiled.clear()
        run_chunk(second)
        assert not compiled


def test_a_lane_that_fills_up_a_chunk_leaves_no_row(monkeypatch):
    whole = run_chunk(chunks_of()[0]).to_pylist()
    monkeypatch.setattr("colora_theory.experiments.plan.MAX_LANES", 2)
    parts = [row for chunk in chunks_of(num_seeds=3) for row in run_chunk(chunk).to_pylist()]
    assert [row["seed"] for row in parts] == [0, 1, 2]
    for one, other in zip(whole, parts, strict=False):
        assert one["relative_error"] == other["relative_error"]


def test_a_trace_runs_from_the_start_to_the_last_step():
    for row in rows_of(method=["alternating", "oracle"], num_samples=16, trace=True):
        trace = row["relative_error_trace"]
        if row["method"] == "oracle":
            assert trace is None
            continue
        assert len(trace) == row["steps"] + 1
        assert trace[-1] == pytest.approx(row["relative_error"], rel=1e-6, abs=1e-12)
        assert trace[0] > trace[-1]
        sent = row["megabytes_trace"]
        # The start, then the same in every step.
        assert len(sent) == len(trace)
        assert sent[0] > 0
        assert np.diff(sent) == pytest.approx(np.full(row["steps"], sent[1] - sent[0]))
        assert row["rounds"] == 1 + 2 * row["steps"]


def test_a_start_alone_takes_no_step():
    by_itself, traced = rows_of(method="start", num_seeds=1)[0], rows_of(trace=True, num_seeds=1)[0]
    assert (by_itself["status_name"], by_itself["steps"]) == ("MAX_STEPS", 0)
    assert by_itself["relative_error"] == pytest.approx(traced["relative_error_trace"][0], rel=1e-10)


def test_a_run_again_is_the_same_bit_for_bit():
    (chunk,) = chunks_of()
    assert without_timing(run_chunk(chunk)).equals(without_timing(run_chunk(chunk)))


@pytest.mark.parametrize("design", ["rank_one", "vector_output", "entries"])
def test_rows_of_structured_designs_say_what_they_are(design):
    for row in rows_of(design=design, noise_kind="student_t", noise=0.01, method="start", num_samples=9, num_seeds=2):
        assert (row["design"], row["noise_kind"]) == (design, "student_t")
        assert row["oversampling"] * row["degrees_of_freedom"] == pytest.approx(
            4 * 9 * (7 if "output" in design else 1)
        )
        assert np.isfinite(row["relative_error"])


def test_failed_runs_are_rows():
    # Noise far above the signal: nothing can succeed, nothing may be left out.
    rows = rows_of(noise=1e3)
    assert len(rows) == 2
    assert all(row["relative_error"] > 1 for row in rows)


def test_programs_are_forgotten_before_they_are_too_many(monkeypatch):
    """A process that holds all its programs dies in the compiler at Linux's limit of mappings."""
    rows_of()
    with count_compilations() as compilations:
        rows_of()
    assert not compilations
    monkeypatch.setattr(trial, "holds_many_programs", lambda: True)
    with count_compilations() as compilations:
        rows_of()
    assert compilations


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the limit is Linux's")
def test_mappings_are_counted(monkeypatch):
    assert not runtime.holds_many_programs()
    monkeypatch.setattr(runtime, "_MANY_MAPPINGS", 10)
    assert runtime.holds_many_programs()

"""The driver with real processes once, and with made-up results for all else."""

import json
import signal
import subprocess
import sys

import jax
import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks import driver
from benchmarks.cli import app
from benchmarks.methods import METHODS
from benchmarks.sizes import SIZES
from benchmarks.store import RUNS, Store

TINY = [SIZES["T"]]
METHOD_PAIR = [METHODS["alternating"], METHODS["scipy-lbfgs"]]


def result(error=1e-9, reason=""):
    return {
        "reason": reason,
        "error_final": error,
        "seconds_to_target": None if reason else 0.1,
        "seconds_total": 0.2,
        "seconds_cold": 1.0,
        "peak_bytes": 10**8,
        "steps": 5,
        "repeats": 3,
        "trace": [(0.01, 1.0), (0.1, 1e-6), (0.2, error)],
    }


class Launch:
    """In the place of a process: notes what it was asked for."""

    def __init__(self, **results):
        self.asked: list[tuple[str, bool]] = []
        self.results = results

    def __call__(self, method, folder, cap, root, *, first_only=False):
        self.asked.append((method.name, first_only))
        made = self.results.get(method.name.replace("-", "_"), result())
        if isinstance(made, BaseException):
            raise made
        return dict(made)


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "bench")


@pytest.fixture
def no_draws(monkeypatch):
    monkeypatch.setattr(driver, "_draw", lambda *_: None)


def run(store, launch, draws=1, methods=METHOD_PAIR, cap=60.0):
    notes: list[str] = []
    driver.run(TINY, draws, methods, cap, store, notes.append, launch)
    return notes


def test_end_to_end(store, monkeypatch):
    """Draws, workers, files: what a user gets, on the tiniest problem."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", jax.config.values["jax_compilation_cache_dir"])
    notes: list[str] = []
    driver.run(TINY, 1, METHOD_PAIR, 30.0, store, notes.append)
    runs, traces = store.read("runs"), store.read_traces()
    assert runs["method"].tolist() == ["alternating", "scipy-lbfgs"]
    assert (runs["status"] == "reached").all(), notes
    assert (runs["error_final"] < 1e-9).all()
    assert (runs["seconds_to_1e6"] < runs["seconds_total"]).all()
    assert (runs["seconds_total"] < runs["seconds_cold"]).all()
    assert (runs["peak_bytes"] > runs["data_bytes"]).all()
    for _, trace in traces.groupby("method"):
        # Every method begins at the same start.
        assert trace["error"].iloc[0] == pytest.approx(traces["error"].iloc[0], rel=1e-6)
        assert (np.diff(trace["seconds"]) >= 0).all()
    # Nothing is left to do.
    driver.run(TINY, 1, METHOD_PAIR, 30.0, store, notes.append, Launch())
    assert notes[-1].endswith("0 of 2 methods to measure")


@pytest.mark.usefixtures("no_draws")
class TestWithoutProcesses:
    def test_the_table_has_its_columns_and_provenance(self, store):
        run(store, Launch())
        table = pq.read_table(store.root / "runs.parquet")
        assert table.schema.remove_metadata().equals(RUNS)
        record = json.loads(table.schema.metadata[b"colora_theory"])
        assert {"package_version", "machine", "numpy", "created"} <= set(record)
        assert table["condition_number"].to_pylist() == [None, None]

    def test_what_is_done_is_not_done_again(self, store):
        run(store, Launch())
        again = Launch()
        run(store, again, draws=3)
        one_draw = [("alternating", False), ("scipy-lbfgs", False)]
        assert again.asked == [("alternating", True), *one_draw, *one_draw]
        assert store.read("runs")["draw"].tolist() == [0, 0, 1, 1, 2, 2]

    def test_an_interrupted_run_keeps_finished_draws(self, store, monkeypatch):
        run(store, Launch())
        with pytest.raises(KeyboardInterrupt):
            run(store, Launch(scipy_lbfgs=KeyboardInterrupt()), draws=3)
        assert store.read("runs")["draw"].tolist() == [0, 0]
        assert not list(store.root.glob(".*"))
        run(store, Launch(), draws=2)
        assert store.read("runs")["draw"].tolist() == [0, 0, 1, 1]

    def test_results_of_other_code_or_another_cap_are_measured_again(self, store, monkeypatch):
        run(store, Launch())
        monkeypatch.setattr("colora_theory.experiments.provenance.source_hash", lambda: "another")
        ours_only, all_of_them = Launch(), Launch()
        run(store, ours_only)
        assert ours_only.asked == [("alternating", True), ("alternating", False)]
        run(store, all_of_them, cap=5.0)
        assert [name for name, first_only in all_of_them.asked if not first_only] == ["alternating", "scipy-lbfgs"]
        assert len(store.read("runs")) == 2
        assert len(store.read_traces()) == 6

    def test_a_failure_is_a_row_with_its_reason(self, store):
        notes = run(store, Launch(scipy_lbfgs={"reason": "time cap"}))
        row = store.read("runs").iloc[1]
        assert (row["status"], row["reason"]) == ("failed", "time cap")
        assert np.isnan(row["seconds_to_1e6"])
        assert "time cap" in notes[-1]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os, signal; signal.alarm(1); signal.pause()", "time cap"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by SIGKILL"),
        ("raise ValueError('too bad')", "ended with exit code 1: ValueError: too bad"),
    ],
)
def test_a_process_that_leaves_nothing_still_gives_a_reason(code, reason, tmp_path, monkeypatch):
    def process(*_, **__):
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    monkeypatch.setattr(driver, "run_module", process)
    # A suite that was started in the background may have passed its mask on.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    assert driver.launch_worker(METHODS["cvxpy"], tmp_path, 1.0, tmp_path) == {"reason": reason}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--sizes", "M3"], "error: unknown size 'M3'; known: T, M1, M1-c10,"),
        (["run", "--methods", "sgd"], "error: unknown method 'sgd'; known: variable_projection,"),
        (["floor", "--sizes", "x,y"], "error: unknown size 'x', 'y'; known:"),
        (["show"], "error: there are no results in"),
        (["figure"], "error: there are no traces in"),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, message, tmp_path):
    from typer.testing import CliRunner

    outcome = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "none")])
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith(message)
    assert len(outcome.stderr.strip().splitlines()) == 1


def test_a_foreign_file_is_left_alone(store):
    store.root.mkdir()
    path = store.root / "runs.parquet"
    path.write_bytes(b"mine")
    from benchmarks.errors import BenchError

    with pytest.raises(BenchError, match="remove it or choose another --out"):
        store.read("runs")
    assert path.read_bytes() == b"mine"

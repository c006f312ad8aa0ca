"""Tables and figure of made-up results."""

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from benchmarks import figure, summary
from benchmarks.methods import METHODS
from benchmarks.store import FLOOR, RUNS, TRACES, Store


def made_up(draws=4):
    """Every method on every draw; the slower, the further down the table; Adam fails on every second draw."""
    runs, traces = [], []
    for place, (name, method) in enumerate(METHODS.items()):
        for draw in range(draws):
            failed = name == "torch-adam" and draw % 2 == 1
            seconds = 0.01 * (place + 1) * (1 + draw)
            runs.append(
                dict.fromkeys(RUNS.names)
                | {"size": "M1", "draw": draw, "method": name, "package": method.package, "version": "1.0"}
                | {"status": "failed" if failed else "reached", "reason": "time cap" if failed else "", "cap": 60.0}
                | {"seconds_to_1e6": None if failed else seconds, "data_bytes": 10**6, "peak_bytes": 10**8}
                | {"error_final": 1e-3 if failed else 1e-12, "busy_elsewhere": 0.5}
            )
            errors = np.geomspace(1.0, runs[-1]["error_final"], 10)
            traces += [
                {"size": "M1", "draw": draw, "method": name, "seconds": seconds * (step + 1) / 10, "error": error}
                for step, error in enumerate(errors)
            ]
    return pd.DataFrame(runs, columns=RUNS.names), pd.DataFrame(traces, columns=TRACES.names)


def printed(table):
    console = Console(width=140, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


def test_medians_failures_and_ratios():
    rows, _ = made_up()
    table = summary.summarize(rows)
    assert table.index.tolist() == list(METHODS)
    assert table.loc["variable_projection", "median"] == pytest.approx(0.025)
    assert table.loc["scipy-lbfgs", "ratio"] == pytest.approx(list(METHODS).index("scipy-lbfgs") + 1)
    adam = table.loc["torch-adam"]
    assert (adam["failures"], adam["runs"]) == (2, 4)
    # Half of the runs failed: the middle lies between a time and infinity.
    assert np.isinf(adam["median"])
    assert adam["reasons"] == "time cap (2)"


def test_tables_print():
    rows, _ = made_up()
    (table,) = summary.run_tables(rows)
    text = printed(table)
    assert "scipy-lbfgs 1.0" in text
    assert "2/4" in text
    assert "torch-adam failed: time cap (2)" in text
    assert "the machine was not quiet: others used 0.5 cores" in text
    row = dict.fromkeys(FLOOR.names, 1.0) | {"size": "M1", "solver": "VariableProjection"}
    assert "VariableProjection" in printed(summary.floor_table(pd.DataFrame([row])))


def test_quantiles_of_infinite_values():
    values = np.array([np.inf, 1.0, np.inf, 2.0])
    assert summary.quantiles(values, [0.25, 0.5, 0.75]).tolist() == [1.5, np.inf, np.inf]


def test_the_median_curve_is_the_error_at_equal_times():
    slow = np.array([0.1, 1.0, 10.0]), np.array([1.0, 0.1, 0.01])
    quick = np.array([0.01, 0.1, 1.0]), np.array([1.0, 0.1, 0.001])
    times, errors = figure.median_curve([slow, quick, quick])
    assert times[0] == pytest.approx(0.01)
    assert errors[0] == pytest.approx(1.0)
    assert errors[np.searchsorted(times, 0.5)] == pytest.approx(0.1)
    assert (np.diff(errors) <= 1e-12).all()


def test_the_figure_is_written_with_its_counts(tmp_path):
    store = Store(tmp_path)
    runs, traces = made_up()
    for name, frame in (("runs", runs), ("traces", traces)):
        schema = {"runs": RUNS, "traces": TRACES}[name]
        import pyarrow as pa

        store.write(name, pa.Table.from_pylist(frame.replace({np.nan: None}).to_dict("records"), schema=schema), {})
    files = figure.draw_into(store, tmp_path / "figures")
    assert {file.suffix for file in files} == {".pdf", ".png", ".txt"}
    caption = (tmp_path / "figures" / "benchmark.txt").read_text().replace("\n", " ")
    assert "Draws: M1 4." in caption
    assert "torch-adam 2/4 on M1" in caption


def test_every_method_has_a_look_of_its_own():
    looks = figure.looks_of(list(METHODS))
    assert len({(look.color, look.marker) for look in looks.values()}) == len(METHODS)
    # Told apart without colour, too.
    assert len({(look.marker, str(look.linestyle)) for look in looks.values()}) == len(METHODS)

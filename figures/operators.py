"""How many measurements of each kind it takes, and what vector outputs show at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory import theory
from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import Shape, by_shape

SWEEP = "operators"
DESIGNS = {
    "gaussian": "full matrices",
    "rank_one": "bilinear forms",
    "entries": "single entries",
    "vector_output": "vector outputs",
}
LOOKS = {
    "gaussian": style.Look(style.BLUE, "o", "-"),
    "rank_one": style.Look(style.VERMILLION, "s", (0, (5, 1.5))),
    "entries": style.Look(style.BLACK, "D", (0, (1, 1.2))),
    "vector_output": style.Look(style.ORANGE, "^", (0, (6, 1.5, 1, 1.5))),
}
OUTPUTS = "vector_output"
COUNTING: dict[str, Any] = {"color": style.GREY, "linewidth": 0.8, "linestyle": (0, (1, 2))}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.5)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.5, 1))
    shapes = by_shape(table)
    if not shapes:
        for axes in (left, right):
            style.nothing_to_show(axes, "rows")
        return figure, "The table is empty."
    (shape, rows), *_ = shapes.items()
    style.title(left, "a", "runs that recover the truth")
    style.title(right, "b", "what vector outputs show")
    halves = _draw_rates(left, rows[rows["method"] != "start"])
    _draw_outputs(right, rows[rows["design"] == OUTPUTS], shape)
    left.set_ylabel("share of runs")
    left.set_ylim(-0.04, 1.04)
    return figure, _caption(rows, preset, shape, halves)


def _plot(axes: Axes, rates: pd.DataFrame, look: style.Look, label: str) -> None:
    axes.errorbar(
        rates.index,
        rates["rate"],
        [rates["rate"] - rates["low"], rates["high"] - rates["rate"]],
        label=label,
        elinewidth=0.6,
        **look.line,
    )


def _draw_rates(axes: Axes, rows: pd.DataFrame) -> dict[str, float]:
    """Success over N / DoF; returns where half of the runs succeed."""
    halves = {}
    for design, name in DESIGNS.items():
        of = rows[rows["design"] == design]
        if of.empty:
            continue
        rates = summaries.success_rates(of, "oversampling")
        halves[design] = summaries.half_point(rates)[0]
        _plot(axes, rates, LOOKS[design], name)
    axes.axvline(1, **COUNTING)
    style.plain_log(axes, "x")
    axes.set_xlabel("measurements over unknowns $N$/DoF")
    if halves:
        # Between the scalar measurements and the vector outputs.
        axes.legend(loc="upper left", bbox_to_anchor=(0.45, 1.0))
    return halves


def _draw_outputs(axes: Axes, rows: pd.DataFrame, shape: Shape) -> None:
    """Shares of runs in which the start has U and in which the fit has all, over outputs per user."""
    if rows.empty:
        style.nothing_to_show(axes, "vector outputs")
        return
    started, fitted = rows[rows["method"] == "start"], rows[rows["method"] != "start"]
    found = started.assign(relative_error=started["sine_left"])
    series = (
        (found, style.Look(style.GREEN, "P", "-"), "$U$, by the start"),
        (fitted, LOOKS[OUTPUTS], "all, by the fit"),
    )
    for of, look, name in series:
        if not of.empty:
            _plot(axes, summaries.success_rates(of, "num_samples"), look, name)
    axes.axvline(_necessary(rows, shape), label="counting", **COUNTING)
    axes.set_xticks(sorted(set(rows["num_samples"])))
    axes.set_xlabel("outputs per user $n$")
    axes.legend(loc="lower right", handlelength=2.0)


def _necessary(rows: pd.DataFrame, shape: Shape) -> int:
    rank = shape.rank_left, shape.rank_right
    return theory.necessary_outputs(int(rows["num_users"].iloc[0]), shape.num_rows, shape.num_cols, rank)


def _caption(rows: pd.DataFrame, preset: str, shape: Shape, halves: Mapping[str, float]) -> str:
    found = ", ".join(f"{half:.2f} for {DESIGNS[design]}" for design, half in halves.items() if np.isfinite(half))
    users = ", ".join(map(str, sorted(set(rows["num_users"]))))
    runs = summaries.runs_per_point(rows, ["num_users", "design", "num_samples", "method"])
    outputs = rows[rows["design"] == OUTPUTS]
    counted = f" here n >= {_necessary(outputs, shape)} (dotted)" if not outputs.empty else ""
    return (
        f"What is measured, noiseless, {shape.label}, k = {users} (preset {preset}). Claim: counting, not the kind of "
        "measurement, sets the number of samples. Markers, bars: share of runs and Wilson's 95% interval; variable "
        "projection from an annealed start, relative error below 1e-6. (a) Over all scalar measurements, of which a "
        "vector output makes d1; dotted: N = DoF. Half of the runs succeed from N/DoF = "
        f"{found or '(not on this grid)'}. "
        "(b) Vector outputs without noise are degenerate: all of them lie in range(U), which their span shows once n k "
        "reaches r1, so that a stacked start already has U (sine below 1e-6). But then an output tells no more than r1 "
        f"numbers of V and its core, and counting asks for n >= r2 + r2 (d2 - r2) / (k r),{counted}. "
        f"{runs.capitalize()} per point. No step is taken by the start: its status is MAX_STEPS. "
        f"{summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("operators", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

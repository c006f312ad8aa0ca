"""How fast the solvers converge, against steps and against seconds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import Shape, by_shape

SWEEP = "convergence"
METHODS = {
    "variable_projection": "variable projection",
    "alternating": "alternating minimization",
    "altgdmin": "AltGDmin",
    "gradient_descent": "gradient descent",
}
# The methods are compared where the claim begins: with three measurements for every unknown.
COMPARED = 3.0


class Curve(NamedTuple):
    """Relative error over the steps, of all runs of one method at one point."""

    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    seconds_per_step: float

    @property
    def steps(self) -> np.ndarray:
        """From the start on."""
        return np.arange(self.median.size)

    @property
    def end(self) -> int:
        """The step from which on the median stays as it is."""
        moving = np.flatnonzero(self.median != self.median[-1])
        return int(moving[-1]) + 1 if moving.size else 0


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    table = table[table["relative_error_trace"].notna()]
    figure = style.new_figure(3.0)
    left, middle, right = figure.subplots(1, 3, sharey=True)
    shapes = by_shape(table)
    if not shapes:
        for axes in (left, middle, right):
            style.nothing_to_show(axes, "traces")
        return figure, "The table has no traces."
    (shape, rows), *_ = shapes.items()
    compared = _nearest(rows, COMPARED)
    chosen = rows[rows["oversampling"] == compared]
    curves = {method: curve(of) for method in METHODS if not (of := chosen[chosen["method"] == method]).empty}
    alternating = by_shape(table[table["method"] == "alternating"])
    if alternating:
        _draw_oversamplings(left, alternating)
    else:
        style.nothing_to_show(left, "alternating minimization")
    _draw_methods(middle, curves, "steps")
    _draw_methods(right, curves, "seconds")
    style.title(left, "a", "alternating, by $N$/DoF")
    style.title(middle, "b", f"$N$/DoF = {compared:.3g}")
    style.title(right, "c", f"$N$/DoF = {compared:.3g}")
    left.set_ylabel("relative error")
    left.set_yscale("log")
    _legends(left, middle)
    return figure, _caption(table, preset, shape, compared, curves) + _quadratic(chosen)


def curve(rows: pd.DataFrame) -> Curve:
    """Median and band over the runs; one that has ended keeps its last error."""
    traces = [np.asarray(trace, float) for trace in rows["relative_error_trace"]]
    length = max(trace.size for trace in traces)
    errors = np.array([np.pad(trace, (0, length - trace.size), mode="edge") for trace in traces])
    # A number that is missing is worse than any that is there.
    errors = np.where(np.isnan(errors), np.inf, errors)
    with np.errstate(invalid="ignore"):
        low, median, high = np.quantile(errors, [summaries.QUANTILES[0], 0.5, summaries.QUANTILES[1]], axis=0)
    return Curve(low, median, high, float(rows["seconds_per_step"].median()))


def _nearest(rows: pd.DataFrame, wanted: float) -> float:
    """The N / DoF of the table that is nearest to the wanted one, as a ratio."""
    there = np.array(sorted(set(rows["oversampling"])))
    return float(there[np.argmin(np.abs(np.log(there / wanted)))])


def _plot(axes: Axes, shown: Curve, look: style.Look, label: str, unit: float = 1.0, until: int | None = None) -> None:
    """Draw a curve over steps of `unit`, its markers spread between the start and its end, or `until`."""
    where = shown.steps * unit
    axes.fill_between(where, shown.low, shown.high, color=look.color, alpha=0.18, linewidth=0)
    last = shown.end if until is None else min(shown.end, until)
    marks = np.unique(np.linspace(0, last, 6).astype(int))[1:].tolist()
    axes.plot(where, shown.median, label=label, markevery=marks, **look.line)


def _draw_oversamplings(axes: Axes, shapes: dict[Shape, pd.DataFrame]) -> None:
    """Alternating minimization at every N / DoF, of further shapes at the compared one only."""
    (_, rows), *others = shapes.items()
    amounts = sorted(set(rows["oversampling"]), reverse=True)
    curves = [curve(rows[rows["oversampling"] == amount]) for amount in amounts]
    # Where most runs fail there is no end to wait for.
    ends = [shown.end for shown in curves if shown.median[-1] < summaries.SUCCESS]
    limit = 1 + int(1.1 * max(ends or [shown.end for shown in curves]))
    for shown, amount, look in zip(curves, amounts, style.sequence(len(amounts)), strict=True):
        _plot(axes, shown, look, f"{amount:.3g}", until=limit)
    for other, more in others:
        amount = _nearest(more, COMPARED)
        look = style.Look(style.VERMILLION, "X", (0, (1, 1.2)))
        _plot(axes, curve(more[more["oversampling"] == amount]), look, f"{amount:.3g} ({other.size})", until=limit)
    axes.set_xlim(0, limit)
    axes.set_xlabel("steps")


def _draw_methods(axes: Axes, curves: dict[str, Curve], clock: str) -> None:
    """On a logarithmic axis, from the first step on: the methods are orders of magnitude apart."""
    units = {method: shown.seconds_per_step if clock == "seconds" else 1.0 for method, shown in curves.items()}
    for method, shown in curves.items():
        _plot(axes, shown, style.LOOKS[method], METHODS[method], units[method])
    axes.set_xscale("log")
    if curves:
        ends = [max(1, shown.end) * units[method] for method, shown in curves.items()]
        axes.set_xlim(min(units.values()), 1.3 * max(ends))
    axes.set_xlabel(clock)


def _legends(left: Axes, middle: Axes) -> None:
    """Above the panels: the first has its own, the other two share theirs, which may reach over both."""
    place: dict[str, Any] = {"loc": "lower left", "borderaxespad": 0, "handlelength": 2.4, "columnspacing": 1.2}
    own, shared = (len(axes.get_legend_handles_labels()[1]) for axes in (left, middle))
    if own:
        left.legend(ncols=2 if own > 3 else 1, bbox_to_anchor=(0.0, 1.13), **place)
    if shared:
        # What reaches over two panels must not push them apart; its height is that of the other legend, or less.
        middle.legend(ncols=(shared + 1) // 2, bbox_to_anchor=(0.0, 1.13), **place).set_in_layout(own < 2)


def _caption(table: pd.DataFrame, preset: str, shape: Shape, compared: float, curves: dict[str, Curve]) -> str:
    ends = ", ".join(
        f"{METHODS[method]} {np.argmax(shown.median < summaries.SUCCESS)} steps"
        for method, shown in curves.items()
        if (shown.median < summaries.SUCCESS).any()
    )
    seen = f" The median falls below 1e-6 after: {ends}." if ends else ""
    runs = summaries.runs_per_point(table, ["num_users", "num_rows", "num_cols", "num_samples", "method"])
    also = "; dotted with crosses: another shape" if len(by_shape(table)) > 1 else ""
    users = ", ".join(map(str, sorted(set(table["num_users"]))))
    return (
        f"Noiseless dense sensing, {shape.label}, k = {users}, stacked start (preset {preset}). Claim: "
        "alternating minimization converges linearly, faster with more measurements, and in fewer steps than both "
        "gradient methods; variable projection converges quadratically. Lines: "
        f"median of the runs, shaded: {summaries.BAND}; a run that has ended keeps its last error. (a) Every N/DoF"
        f"{also}; the axis ends after the last curve that reaches the floor. (b) The methods against steps and (c) "
        "against seconds, from the first step on, which are steps times the median time of a step."
        f"{seen} {runs.capitalize()} per curve. " + summaries.failures(table)
    )


def _quadratic(rows: pd.DataFrame) -> str:
    """The errors of variable projection step by step, in words: of the run with the median number of steps."""
    runs = rows[rows["method"] == "variable_projection"].sort_values(["steps", "seed"])
    if runs.empty:
        return ""
    trace = np.asarray(runs["relative_error_trace"].iloc[len(runs) // 2], float)
    errors = ", ".join(f"{error:.0e}" for error in trace[trace < 0.1])
    return f" Quadratic convergence doubles exponents; a run of variable projection passes {errors}." if errors else ""


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("convergence", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

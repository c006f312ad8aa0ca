"""How near to the counting limit the truth is found, by method."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import by_shape

SWEEP = "sample_limit"
METHODS = {
    "auto": "up to ten attempts",
    "annealed": "annealed start",
    "variable_projection": "stacked start, variable projection",
    "alternating": "stacked start, alternating minimization",
    "altgdmin": "stacked start, AltGDmin",
    "factored_lbfgs": "stacked start, L-BFGS on the factors",
}
POINTS = ["num_users", "num_rows", "num_cols", "num_samples", "method"]

Curves = dict[str, pd.DataFrame]


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    groups = {
        f"{shape.math}, $k$ = {num_users}": _curves(of_users)
        for shape, rows in by_shape(table).items()
        for num_users, of_users in rows.groupby("num_users")
    }
    figure = style.new_figure(2.5)
    panels = figure.subplots(1, max(1, len(groups)), sharey=True, squeeze=False)[0]
    if not groups:
        style.nothing_to_show(panels[0], "rows")
        return figure, "The table is empty."
    for letter, axes, (name, curves) in zip("abcdefgh", panels, groups.items(), strict=False):
        _draw_rates(axes, curves)
        style.title(axes, letter, name)
    panels[0].set_ylabel("success rate")
    shown = [method for method in METHODS if any(method in curves for curves in groups.values())]
    handles = [Line2D([], [], label=METHODS[method], **style.LOOKS[method].line) for method in shown]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    return figure, _caption(table, preset, groups)


def _curves(rows: pd.DataFrame) -> Curves:
    """Success over N / DoF of every method that is there."""
    there = set(rows["method"])
    return {
        method: summaries.success_rates(rows[rows["method"] == method], "oversampling")
        for method in METHODS
        if method in there
    }


def _draw_rates(axes: Axes, curves: Curves) -> None:
    for place, (method, rates) in enumerate(curves.items()):
        intervals = [rates["rate"] - rates["low"], rates["high"] - rates["rate"]]
        # Methods often agree, at 0 or at 1: a small shift keeps their intervals apart.
        where = rates.index + 0.006 * (place - (len(curves) - 1) / 2)
        axes.errorbar(where, rates["rate"], intervals, elinewidth=0.6, **style.LOOKS[method].line)
    axes.axvline(1, color=style.GREY, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlabel("measurements over unknowns $N$/DoF")


def _caption(table: pd.DataFrame, preset: str, groups: dict[str, Curves]) -> str:
    found = "; ".join(
        f"({letter}) {halves}"
        for letter, curves in zip("abcdefgh", groups.values(), strict=False)
        if (halves := ", ".join(filter(None, (_half(method, rates) for method, rates in curves.items()))))
    )
    limits = ", ".join(
        f"{METHODS[method]} {_span(rows['max_steps'])}"
        for method in METHODS
        if not (rows := table[table["method"] == method]).empty
    )
    # A converged run has a zero gradient, which a local minimum has, too.
    trapped = ((table["status_name"] == "CONVERGED") & (table["relative_error"] >= summaries.SUCCESS)).sum()
    runs = summaries.runs_per_point(table, POINTS)
    return (
        f"How near to the counting limit the truth is found, noiseless dense sensing (preset {preset}). Claim: near "
        "the limit it is the start, not the data, that decides. Markers, bars: share of runs with a relative error "
        "below 1e-6, Wilson's 95% interval, shifted a little sideways; dotted: N = DoF. The annealed start and the "
        "attempts (one stacked, two turned, then annealed ones, judged by the residual alone) are followed by variable "
        "projection. Half of the runs succeed from N/DoF = "
        f"{found or '(not on this grid)'}. Steps allowed, those of one attempt: {limits}; a run that needs more counts "
        f"as failed. {runs.capitalize()} per point. {summaries.failures(table)} CONVERGED, but to another stationary "
        f"point: {trapped}."
    )


def _half(method: str, rates: pd.DataFrame) -> str:
    """Where half of the runs of a method succeed, in words; nothing if they do nowhere."""
    middle, _, _ = summaries.half_point(rates)
    if np.isfinite(middle):
        return f"{middle:.2f} {METHODS[method]}"
    return f"below {rates.index[0]:.2f} {METHODS[method]}" if rates["rate"].iloc[0] >= 0.5 else ""


def _span(values: pd.Series) -> str:
    low, high = values.min(), values.max()
    return f"{low}" if low == high else f"{low} to {high}"


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("sample_limit", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

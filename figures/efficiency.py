"""The error of least squares beside the Cramer-Rao bound of the drawn design."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.shapes import by_shape
from colora_theory.figures.style import SIGMA

SWEEP = "efficiency"
ERROR, BOUND, LAW, RATIO = "mean_squared_error", "cramer_rao", "noise_law", "ratio"
ENOUGH = 3.9  # N / DoF from which on the claim is made, less what rounding to whole samples takes
LOOK = style.LOOKS["alternating"]


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.6)
    left, right = figure.subplots(1, 2)
    style.title(left, "a", "error, bound and law")
    style.title(right, "b", "error over bound")
    shapes = by_shape(table[table[BOUND].notna()])
    if not shapes:
        return figure, comparison.nothing([left, right], "bounds")
    (shape, rows), *_ = shapes.items()
    rows = rows.assign(**{RATIO: comparison.quotient(rows, ERROR, BOUND)})
    comparison.measured(left, rows, "oversampling", ERROR, LOOK, label="measured")
    comparison.predicted(left, rows, "oversampling", BOUND, LOOK, label="Cramer-Rao bound")
    comparison.predicted(left, rows, "oversampling", LAW, LOOK, label="law", dotted=True)
    _draw_ratio(right, rows)
    for axes in (left, right):
        style.plain_log(axes, "x")
        axes.set_xlabel("measurements over unknowns $N$/DoF")
        axes.legend(handles=axes.get_legend_handles_labels()[0], loc="best")
    style.plain_log(left, "y")
    # A run in a bad minimum is off by orders of magnitude, which must not flatten all others.
    bounds = rows[BOUND][np.isfinite(rows[BOUND]) & (rows[BOUND] > 0)]
    if not bounds.empty:
        left.set_ylim(bounds.min() / 1.5, 3 * bounds.max())
    right.set_ylim(0.4, 2)
    left.set_ylabel(r"mean over users of $\Vert\hat{W}_i-W_i\Vert_F^2$")
    right.set_ylabel("ratio")
    return figure, _caption(rows, preset, f"{shape.label}, k = {comparison.listed(rows, 'num_users')}")


def _draw_ratio(axes: Axes, rows: pd.DataFrame) -> None:
    comparison.measured(axes, rows, "oversampling", RATIO, LOOK, label="median and band", shift=0.985)
    summary = {amount: summaries.mean_and_error(of[RATIO]) for amount, of in rows.groupby("oversampling")}
    means = pd.DataFrame.from_dict(summary, orient="index", columns=["mean", "error"]).dropna()
    if not means.empty:
        line = style.Look(style.BLACK, "D", "").line
        axes.errorbar(means.index * 1.015, means["mean"], 2 * means["error"], label="mean", elinewidth=0.6, **line)
    axes.axhline(1, color=style.GREY, linewidth=0.8)


def _caption(rows: pd.DataFrame, preset: str, sizes: str) -> str:
    enough = rows[rows["oversampling"] >= ENOUGH]
    mean, error = summaries.mean_and_error(enough[RATIO])
    means = ", ".join(
        f"{summaries.mean_and_error(of[RATIO])[0]:.4g} ({amount:.3g})" for amount, of in rows.groupby("oversampling")
    )
    law = comparison.in_words(comparison.quotient(rows, BOUND, LAW))
    runs = summaries.runs_per_point(rows, ["num_users", "num_samples", "noise", "method"])
    return (
        f"Squared error of least squares (variable projection), dense sensing, {sizes}, {SIGMA} = "
        f"{comparison.listed(rows, 'noise')}, similarity {comparison.listed(rows, 'similarity')} (preset {preset}). "
        f"Claim: it reaches the Cramer-Rao bound. Markers, bars (measurement): median and {summaries.BAND}. Solid "
        "(prediction): the bound, exact for the drawn design, its median over draws. Dotted (prediction): a law of "
        "large designs from the cores and the sizes. (b) Error over the bound of the same draw, with the mean and two "
        "of its standard errors beside it, both shifted a little sideways. A run in a bad minimum is off by orders of "
        f"magnitude, beyond the axes, and counts in the mean, by N/DoF: {means}. All {len(enough)} runs at N/DoF >= 4: "
        f"{mean:.4f} +- {error:.4f} (standard error). Bound over law: {law}. {runs.capitalize()} per point. "
        f"{summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("efficiency", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

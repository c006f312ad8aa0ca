"""The convergence factor of alternating minimization, measured and predicted."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.shapes import by_shape

SWEEP = "contraction"
EXACT, LAW, FACTOR = "contraction_factor", "contraction_law", "long_run_contraction"
QUOTIENTS = {EXACT: "computed for the design", LAW: "law"}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.8)
    left, right = figure.subplots(1, 2)
    style.title(left, "a", "factor per sweep")
    style.title(right, "b", "measured over predicted")
    rows = table[table[FACTOR].notna()]
    if rows.empty:
        return figure, comparison.nothing([left, right], "rates")
    shapes = by_shape(rows)
    users = sorted(set(rows["num_users"]))
    for num_users, look in zip(users, style.sequence(len(users)), strict=True):
        _draw_factors(left, rows[rows["num_users"] == num_users], look, f"$k$ = {num_users}")
    rows = rows.assign(**{f"over_{column}": comparison.quotient(rows, FACTOR, column) for column in QUOTIENTS})
    looks = style.LOOKS["alternating"], style.LOOKS["altgdmin"]
    for (column, label), look, shift in zip(QUOTIENTS.items(), looks, (0.985, 1.015), strict=True):
        comparison.measured(right, rows, "oversampling", f"over_{column}", look, label=f"over {label}", shift=shift)
    right.axhline(1, color=style.GREY, linewidth=0.8)
    for axes in (left, right):
        style.plain_log(axes, "x")
        axes.set_xlabel("measurements over unknowns $N$/DoF")
    left.set_ylabel("factor")
    right.set_ylabel("ratio")
    meaning = comparison.kinds(marker="measured", line="computed for the design", dotted="law")
    left.legend(handles=left.get_legend_handles_labels()[0] + meaning, loc="upper right")
    right.legend(handles=right.get_legend_handles_labels()[0], loc="best")
    return figure, _caption(rows, preset, "; ".join(shape.label for shape in shapes))


def _draw_factors(axes: Axes, rows: pd.DataFrame, look: style.Look, label: str) -> None:
    comparison.measured(axes, rows, "oversampling", FACTOR, look, label=label)
    comparison.predicted(axes, rows, "oversampling", EXACT, look)
    comparison.predicted(axes, rows, "oversampling", LAW, look, dotted=True)


def _caption(rows: pd.DataFrame, preset: str, sizes: str) -> str:
    seen = "; ".join(f"over {QUOTIENTS[column]} {comparison.in_words(rows[f'over_{column}'])}" for column in QUOTIENTS)
    runs = summaries.runs_per_point(rows, ["num_users", "num_rows", "num_cols", "num_samples", "method"])
    return (
        f"How fast alternating minimization converges, noiseless dense sensing, {sizes}, similarity "
        f"{comparison.listed(rows, 'similarity')} (preset {preset}). Claim: a sweep multiplies a small error by the "
        "spectral radius of the product of its projections at the truth. Markers, bars (measurement): median and "
        f"{summaries.BAND} of the mean factor per sweep over the last 150 of 400 sweeps near the truth, the error "
        "being magnified again each time it has become small. Solid (prediction): the spectral radius, exact for the "
        "drawn design. Dotted (prediction): a law of large designs from the cores and the sizes, which takes U and V "
        f"as one block. Lines are medians over draws. (b) Draw by draw, shifted a little sideways: {seen}. "
        f"{runs.capitalize()} per point. {summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("contraction", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

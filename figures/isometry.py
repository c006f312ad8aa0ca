"""Isometry constants of several classes, against samples and against users."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.shapes import by_shape

SWEEP = "isometry"
TANGENT = "isometry_constant"
SERIES = {
    "single_isometry": ("single users: all tuples", style.LOOKS["altgdmin"]),
    "spread_isometry": ("tuples with cores of equal norm", style.LOOKS["auto"]),
    "common_isometry": ("tuples with a common core", style.LOOKS["annealed"]),
    TANGENT: ("tangent space at the truth", style.LOOKS["alternating"]),
    "core_isometry": ("cores, $U$ and $V$ known", style.LOOKS["variable_projection"]),
}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(3.0)
    left, right = figure.subplots(1, 2, sharey=True)
    shapes = by_shape(table[table[TANGENT].notna()])
    if not shapes:
        return figure, comparison.nothing([left, right], "isometry constants")
    (shape, rows), *_ = shapes.items()
    num_users = summaries.widest(rows, "num_users", "num_samples")
    num_samples = summaries.widest(rows, "num_samples", "num_users")
    by_samples, by_users = rows[rows["num_users"] == num_users], rows[rows["num_samples"] == num_samples]
    _draw_constants(left, by_samples, "num_samples")
    _draw_constants(right, by_users, "num_users")
    _draw_guide(left, by_samples)
    for axes in (left, right):
        axes.axhline(1, color=style.GREY, linewidth=0.8)
    style.title(left, "a", f"$k$ = {num_users} users")
    style.title(right, "b", f"$n$ = {num_samples} samples per user")
    style.plain_log(left, "y")
    left.set_ylabel(r"isometry constant $\delta$")
    left.set_xlabel("samples per user $n$")
    right.set_xlabel("users $k$")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    caption = _caption(table, preset, shape.label, _falls(by_samples, "num_samples"), _falls(by_users, "num_users"))
    return figure, caption


def _draw_constants(axes: Axes, rows: pd.DataFrame, axis: str) -> None:
    for column, (label, look) in SERIES.items():
        band = comparison.measured(axes, rows, axis, column, look, label=label)
        axes.plot(band.index, band["median"], linewidth=0.8, **look.plain)
    style.plain_log(axes, "x", sorted(set(rows[axis])))


def _draw_guide(axes: Axes, rows: pd.DataFrame) -> None:
    """1 / sqrt(n) through the last point of the tangent space, a little above."""
    medians = rows.groupby("num_samples")[TANGENT].median()
    samples = np.asarray(medians.index, float)
    guide = 1.25 * medians.iloc[-1] * np.sqrt(samples[-1] / samples)
    axes.plot(samples, guide, color=style.GREY, linewidth=0.8, linestyle=(0, (5, 1.5)))


def _falls(rows: pd.DataFrame, axis: str) -> str:
    """First and last medians of every class, for the caption."""
    ends = sorted(set(rows[axis]))[:: max(1, rows[axis].nunique() - 1)]
    medians = rows.groupby(axis)[list(SERIES)].median().loc[ends]
    return ", ".join(
        f"{label.replace('$', '')} " + " to ".join(f"{value:.2f}" for value in medians[column])
        for column, (label, _) in SERIES.items()
    )


def _caption(table: pd.DataFrame, preset: str, sizes: str, by_samples: str, by_users: str) -> str:
    runs = summaries.runs_per_point(table, ["num_users", "num_rows", "num_cols", "num_samples", "method"])
    return (
        f"Restricted isometry constants of Gaussian designs, {sizes} (preset {preset}). Claim: on the tangent space at "
        "the truth the constant falls with the samples and with more users; over all tuples of weights it cannot fall "
        f"with the number of users. Markers, bars: median and {summaries.BAND}. All are numbers of the drawn design, "
        "nothing is solved: those of the tangent space and of the cores (the worst user) are exact, the other three "
        "lower bounds found by ascent, that of single users the largest of at most four. From 1 on (grey line) some "
        "weights of the class may be invisible. Dashed grey (prediction): the decay 1/sqrt(n), as a guide. First to "
        f"last median in (a): {by_samples}; in (b): {by_users}. {runs.capitalize()} per point. No step is taken: the "
        f"status is MAX_STEPS. {summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("isometry", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

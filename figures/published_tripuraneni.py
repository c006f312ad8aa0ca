"""The published curves of multi-task linear representation learning, and ours on draws like theirs."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.experiments.claims.published import TOLERANCE, against_published
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.shapes import by_shape

SWEEP = "published_tripuraneni"
ERROR = "sine_left"
LABELS = {
    "method_of_moments": "method of moments",
    "start": "stacked start (ours)",
    "first_order": "first-order",
    "scaled_lbfgs": "scaled L-BFGS (ours)",
}
LOOKS = {
    "method_of_moments": style.LOOKS["pooled"],
    "start": style.LOOKS["oracle"],
    "first_order": style.LOOKS["alone"],
    "scaled_lbfgs": style.LOOKS["alternating"],
}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.9)
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    shapes = by_shape(table)
    if not shapes:
        return figure, comparison.nothing([left, right], "rows")
    (_, rows), *_ = shapes.items()
    curve = summaries.widest(rows, "num_samples", "num_users")
    shown = rows[rows["num_samples"] == curve]
    style.title(left, "a", f"$n$ = {curve} samples of a task")
    style.title(right, "b", "ours less published")
    for place, method in enumerate(LABELS):
        _plot_means(left, shown[shown["method"] == method], method, 1.018 ** (place - 1.5))
    points = against_published(rows, ERROR)
    told = points[points["num_samples"] == curve]
    comparison.published(left, told["num_users"].to_list(), told["published"].to_list(), "s", label="published")
    _plot_differences(right, points, curve)
    for axes in (left, right):
        style.plain_log(axes, "x", sorted(set(shown["num_users"])))
        axes.set_xlabel("tasks $k$")
    style.plain_log(left, "y")
    left.set_ylabel("sine of the largest principal angle")
    right.set_ylabel("difference of mean sines")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=5, columnspacing=1.2, handletextpad=0.5)
    return figure, _caption(rows, preset, points)


def _plot_means(axes: Axes, rows: pd.DataFrame, method: str, shift: float) -> None:
    band, means = summaries.bands(rows, "num_users", ERROR), rows.groupby("num_users")[ERROR].mean().dropna()
    band = band.loc[means.index]
    # With few runs the mean can lie outside of the quantiles.
    spread = [(means - band["low"]).clip(lower=0), (band["high"] - means).clip(lower=0)]
    line = LOOKS[method].line | {"linewidth": 0.8}
    axes.errorbar(means.index * shift, means, spread, label=LABELS[method], elinewidth=0.7, **line)


def _plot_differences(axes: Axes, points: pd.DataFrame, curve: int) -> None:
    for place, method in enumerate(LABELS):
        for num_samples, those in points[points["method"] == method].groupby("num_samples"):
            look, other = LOOKS[method], num_samples != curve
            line = (
                look.line
                | {"linestyle": ""}
                | ({"markerfacecolor": "white", "markeredgecolor": look.color} if other else {})
            )
            label = f"{LABELS[method]}, $n$ = {num_samples}"
            where = those["num_users"] * 1.05 ** (place - 1.5 + 1.5 * other)
            axes.errorbar(
                where, those["ours"] - those["published"], 2 * those["error"], label=label, elinewidth=0.7, **line
            )
    axes.axhspan(-TOLERANCE, TOLERANCE, color=style.GREY, alpha=0.15, linewidth=0)
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    reach = ((points["ours"] - points["published"]).abs() + 2 * points["error"]).dropna()
    limit = max([0.05, *(1.15 * reach)])
    axes.set_ylim(-limit, limit)
    if not points.empty:
        axes.legend(loc="lower right")


def _caption(rows: pd.DataFrame, preset: str, points: pd.DataFrame) -> str:
    told = "; ".join(
        f"{LABELS[str(method)]} (n = {num_samples}) "
        + ", ".join(
            f"{tasks}: {published:.3g} / {ours:.3f} [{ours - 2 * error:.3f}, {ours + 2 * error:.3f}]"
            for tasks, published, ours, error in zip(
                those["num_users"], those["published"], those["ours"], those["error"], strict=True
            )
        )
        for (method, num_samples), those in points.groupby(["method", "num_samples"], sort=False)
    )
    runs = summaries.runs_per_point(rows, ["num_users", "num_samples", "method"])
    return (
        "Vector tasks of Tripuraneni, Jin and Jordan (arXiv 2002.11684): d = 100, r = 5, heads of variance 1/r, noise "
        f"of standard deviation 1 (preset {preset}). Claim: both of their estimators are as good as published, and "
        f"ours is never worse. Markers, bars: mean sine and {summaries.BAND}, shifted a little sideways. Open squares "
        "(published): means over 30 draws. First-order and scaled L-BFGS minimize the same loss, from a random and "
        "from the stacked start; with few tasks the random one ends in worse minima. (b) Bars: two standard errors of "
        f"ours; shaded: up to {TOLERANCE}; open markers: n = 300 (10 draws). Published / ours [interval] by k: "
        f"{told or 'not in this table'}. {runs.capitalize()} per point. {summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("published_tripuraneni", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

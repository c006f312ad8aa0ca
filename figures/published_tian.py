"""A published comparison of estimators for tasks with one representation, and ours on draws like theirs."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries

SWEEP = "published_tian"
ERROR = "relative_error"
LABELS = {
    "oracle": "oracle subspace",
    "variable_projection": "least squares, variable projection (ours)",
    "scaled_lbfgs": "least squares, scaled L-BFGS (ours)",
    "first_order": "least squares, first-order",
    "nuclear_norm": "nuclear norm",
    "method_of_moments": "method of moments",
    "alone": "each task alone",
    "pooled": "one model for all",
}

ITERATIVE = ("first_order", "scaled_lbfgs", "variable_projection", "nuclear_norm")


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.5)
    axes = figure.subplots()
    there = [method for method in reversed(LABELS) if (table["method"] == method).any()]
    if not there:
        return figure, comparison.nothing([axes], "rows")
    style.title(axes, "a", "error of the tasks")
    for place, method in enumerate(there):
        _plot(axes, place, table[table["method"] == method], first=place == 0)
    axes.set_yticks(range(len(there)), [LABELS[method] for method in there])
    axes.set_ylim(-0.6, len(there) - 0.4)
    style.plain_log(axes, "x")
    axes.set_xlabel("relative error")
    axes.legend(loc="lower left")
    return figure, _caption(table, preset)


def _plot(axes: Axes, place: int, rows: pd.DataFrame, *, first: bool) -> None:
    low, high = rows[ERROR].quantile(list(summaries.QUANTILES))
    mean = rows[ERROR].mean()
    look = style.LOOKS["alternating"]
    label = {"label": f"mean, {summaries.BAND}"} if first else {}
    axes.errorbar(
        mean, place, xerr=[[mean - low], [high - mean]], elinewidth=0.9, **look.line | {"linestyle": ""} | label
    )
    told = rows["published"].dropna().to_list()[:1]
    if told:
        known = "published" in axes.get_legend_handles_labels()[1]
        comparison.published(axes, told, [place], "D", label="" if known else "published")


def _caption(table: pd.DataFrame, preset: str) -> str:
    summary = {method: summaries.mean_and_error(rows[ERROR]) for method, rows in table.groupby("method")}
    known = table[table["published"].notna()].groupby("method")["published"].first()
    told = ", ".join(
        f"{label} {known[method]:.3g} / {summary[method][0]:.3f} +- {2 * summary[method][1]:.3f}"
        for method, label in LABELS.items()
        if method in known.index
    )
    others = ", ".join(
        f"{LABELS[method]} {summary[method][0]:.3f}"
        for method in LABELS
        if method in summary and method not in known.index
    )
    seconds = table.groupby("method")["seconds"].median()
    times = ", ".join(
        f"{LABELS[method]} {1e3 * seconds[method]:.0f}" for method in ITERATIVE if method in seconds.index
    )
    runs = summaries.runs_per_point(table, ["method"])
    return (
        "Vector tasks of Tian, Gu and Feng (arXiv 2303.17765): d = 50, r = 5, 50 tasks with 100 samples each, "
        f"identical representations, noise of standard deviation 1 (preset {preset}). Claim: the factored fit has a "
        f"third of the error of each task alone. Markers, bars: mean and {summaries.BAND}. Diamonds (published): means "
        "over two draws of their public code, whose heads are uniform; ours are normal, of the same variance. "
        f"Published / ours, with two standard errors: {told or 'not in this table'}. Others: {others or 'none'}. "
        f"Milliseconds of a fit, compiled: {times or 'none'}. {runs.capitalize()} per method. "
        f"{summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("published_tian", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

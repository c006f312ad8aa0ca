"""The published simulation of FedRep, round by round, and ours on draws like theirs."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries

SWEEP = "published_fedrep"
SQUARE = "squared_sine"
LABELS = {"fed_sgd": "FedSGD, one model", "fedrep": "FedRep"}
LOOKS = {"fed_sgd": style.LOOKS["pooled"], "fedrep": style.LOOKS["alone"]}
OURS = "variable_projection"


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.6)
    axes = figure.subplots()
    rows = table.assign(**{SQUARE: table["sine_left"].pow(2)})
    if rows.empty:
        return figure, comparison.nothing([axes], "rows")
    style.title(axes, "a", "shared directions, round by round")
    for method, look in LOOKS.items():
        _plot_rounds(axes, rows[rows["method"] == method], look, LABELS[method])
    ours = rows[rows["method"] == OURS]
    if not ours.empty:
        label = f"least squares, variable projection (ours, {ours['steps'].median():.0f} steps)"
        axes.axhline(ours[SQUARE].median(), label=label, **style.LOOKS["alternating"].plain)
        axes.axhspan(*ours[SQUARE].quantile(list(summaries.QUANTILES)), color=style.BLUE, alpha=0.15, linewidth=0)
    told = rows.loc[rows["published"].notna(), ["max_steps", "published"]].drop_duplicates()
    if not told.empty:
        where, squares = told["max_steps"].to_list(), told["published"].pow(2).to_list()
        comparison.published(axes, where, squares, "*", label="published")
    axes.set_yscale("log")
    axes.set_xlabel("communication rounds")
    axes.set_ylabel("squared sine of the largest angle")
    style.legend_beside(axes)
    return figure, _caption(rows, preset)


def _plot_rounds(axes: Axes, rows: pd.DataFrame, look: style.Look, label: str) -> None:
    band = summaries.bands(rows, "max_steps", SQUARE)
    if not band.empty:
        axes.fill_between(band.index, band["low"], band["high"], color=look.color, alpha=0.2, linewidth=0)
        axes.plot(band.index, band["median"], label=label, **look.line)


def _caption(rows: pd.DataFrame, preset: str) -> str:
    last = rows[rows["published"].notna()]
    found = "; ".join(
        f"{LABELS[str(method)]} {of['published'].pow(2).iloc[0]:.2g} / {of[SQUARE].median():.2g} "
        f"[{of[SQUARE].min():.2g}, {of[SQUARE].max():.2g}]"
        for method, of in last.groupby("method", sort=False)
    )
    ours = rows.loc[rows["method"] == OURS, SQUARE]
    runs = summaries.runs_per_point(rows, ["method", "max_steps"])
    return (
        "Vector tasks of Collins, Hassani, Mokhtari and Shakkottai (arXiv 2102.07078): d = 20, r = 2, 100 clients with "
        f"10 samples each, samples divided by the root of 10, noise of 1e-3 (preset {preset}). Claim: FedRep "
        "finds the shared directions within 100 rounds, one model never does. FedRep: exact heads, a gradient step of "
        "0.1 on the shared matrix, QR; FedSGD: the same step on one model for all. Random "
        f"starts. Lines, bands: median and {summaries.BAND}. Stars (published): one run each. Squared sine after "
        f"100 rounds, published / our median [smallest, largest]: {found or 'not in this table'}. Least squares "
        f"from the stacked start: {ours.median():.2g}, what FedRep converges to. {runs.capitalize()} per point. "
        f"{summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("published_fedrep", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

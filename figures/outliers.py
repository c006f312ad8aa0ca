"""Users unlike the rest: error of the others, and who is found, against their fraction."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.experiments.claims.estimates import paired
from colora_theory.experiments.claims.outliers import MOST
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.style import SIGMA

SWEEP = "outliers"
WAYS = {
    "outliers_ignored": ("least squares over all", style.LOOKS["pooled"]),
    "outliers_found": ("found and set aside", style.LOOKS["alternating"]),
    "outliers_known": ("known", style.LOOKS["oracle"]),
}
KINDS = {"own_subspaces": "subspaces of their own", "corrupted_data": "corrupted data"}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.7)
    panels = figure.subplots(1, 2, sharey=True)
    if table.empty:
        return figure, comparison.nothing(list(panels), "rows")
    for letter, axes, (kind, label) in zip("ab", panels, KINDS.items(), strict=True):
        _panel(axes, table[table["truth"] == kind])
        style.title(axes, letter, label)
    panels[0].set_ylabel(r"mean of $\Vert\hat{W}_i-W_i\Vert_F^2$ of the others")
    handles = {text: each for axes in panels for each, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles=list(handles.values()), loc="outside upper center", ncols=len(handles) or 1)
    return figure, _caption(table, preset)


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    for place, (method, (label, look)) in enumerate(WAYS.items()):
        of = table[table["method"] == method]
        if of.empty:
            continue
        moved = of.assign(place=of["level"] + 0.008 * (place - 1))
        comparison.measured(axes, moved, "place", "mean_squared_error", look, label=label)
    style.plain_log(axes, "y")
    axes.set_xlabel("fraction of users unlike the rest")


def _caption(table: pd.DataFrame, preset: str) -> str:
    sizes = comparison.sizes(table, "num_users", "num_rows", "num_cols", "num_samples")
    some = table[(table["level"] > 0) & (table["level"] <= MOST)]
    ratios = "; ".join(
        f"{label} {found.median():.3g}, at most {found.max():.3g}"
        for method, (label, _) in WAYS.items()
        if method != "outliers_known" and not (found := paired(some, method, "outliers_known")["quotient"]).empty
    )
    robust = table[table["method"] == "outliers_found"]
    shares = (
        ""
        if robust.empty
        else (
            f"Share of those unlike who were found: {robust['share_found'].mean():.3g}; of the others set aside, "
            f"too: {robust['share_accused'].mean():.3g}. "
        )
    )
    return (
        "Users with subspaces of their own, or with measurements in random order, among others who share theirs. Dense "
        f"sensing, {sizes}, r = 2, {SIGMA} = {comparison.listed(table, 'noise')} of the signal (preset {preset}). "
        "Claim: they spoil least squares; up to 30% of them are found, and the others are fitted as if they were "
        f"absent. Markers and bars (measurement): median and {summaries.BAND}. Squared error of the others over that "
        f"of the fit that knows who is unlike, fractions up to {MOST}, median: {ratios}. {shares}"
        f"{summaries.runs_per_point(table, ['truth', 'level', 'method']).capitalize()} per point. "
        f"{summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("outliers", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

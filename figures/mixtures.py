"""Users who mix adapters: error of fits that assume mixtures or clusters against the part of the users who mix."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.experiments.claims.estimates import paired
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.style import SIGMA

SWEEP = "mixtures"
WAYS = {
    "mixing_clusters": ("clusters", style.LOOKS["alone"]),
    "mixing_simplex": ("mixture, shares sum to one", style.LOOKS["alternating"]),
    "mixture": ("mixture, free weights", style.LOOKS["auto"]),
    "mixing_colora": ("CoLoRA, twice the rank", style.LOOKS["oracle"]),
    "pooled": ("one for all", style.LOOKS["pooled"]),
}
_STEP = 0.012


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.8)
    axes = figure.subplots()
    if table.empty:
        return figure, comparison.nothing([axes], "rows")
    _panel(axes, table)
    style.legend_beside(axes)
    return figure, _caption(table, preset)


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    for place, (method, (label, look)) in enumerate(WAYS.items()):
        of = table[table["method"] == method]
        moved = of.assign(place=of["level"] + _STEP * (place - 2))
        comparison.measured(axes, moved, "place", "relative_error", look, label=label)
    counted = table.assign(law=table["noise"] / np.sqrt(table["oversampling"])).groupby("level")["law"].first()
    axes.plot(counted.index, counted, color=style.GREY, linewidth=0.9, label="count of the truth")
    style.plain_log(axes, "y")
    axes.set_xlabel("part of the users who mix")
    axes.set_ylabel("relative error")


def _caption(table: pd.DataFrame, preset: str) -> str:
    sizes = comparison.sizes(table, "num_users", "num_rows", "num_cols", "num_samples")
    ratios = "; ".join(
        f"{WAYS[method][0]} {found.median():.3g}"
        for method in WAYS
        if method != "mixing_simplex" and not (found := paired(table, method, "mixing_simplex")["quotient"]).empty
    )
    return (
        "Users who take one of two adapters of rank 2, but for a part who mix both with shares drawn evenly. Dense "
        f"sensing, {sizes}, {SIGMA} = {comparison.listed(table, 'noise')} of the signal (preset {preset}). Claim: "
        "to assume clusters costs much as soon as a quarter of the users mixes, to allow mixing where nobody does "
        f"costs no more than the count of the shares. Markers and bars (measurement): median and {summaries.BAND}. "
        f"Line: the count of the truth's unknowns, {SIGMA} over the root of N / DoF. Squared error over that of the "
        f"mixture whose shares sum to one, median over all parts: {ratios}. "
        f"{summaries.runs_per_point(table, ['level', 'method']).capitalize()} per point. {summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("mixtures", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

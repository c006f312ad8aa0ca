"""Ranks of several layers under one budget: error by the way in which they are allotted."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from colora_theory.experiments.claims.estimates import paired
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.style import SIGMA

SWEEP = "budgeted"
WAYS = {
    "budgeted_oracle": ("ranks of the truth", style.LOOKS["oracle"]),
    "budgeted_by_fit": ("by contribution to a larger fit", style.LOOKS["alternating"]),
    "budgeted_by_moments": ("by contribution to the moments", style.LOOKS["pooled"]),
    "budgeted_evenly": ("evenly", style.LOOKS["alone"]),
}
_SPREAD = 1.012


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.9)
    axes = figure.subplots()
    if table.empty:
        return figure, comparison.nothing([axes], "rows")
    told = table.assign(asked=table["oversampling"].round(1))
    for place, (method, (label, look)) in enumerate(WAYS.items()):
        of = told[told["method"] == method]
        comparison.measured(axes, of, "asked", "mean_squared_error", look, label=label, shift=_SPREAD ** (place - 1.5))
    comparison.predicted(axes, told, "asked", "bound", style.LOOKS["oracle"])
    style.plain_log(axes, "x", sorted(set(told["asked"])))
    style.plain_log(axes, "y")
    axes.set_xlabel("measurements per unknown of the truth $N$ / DoF")
    axes.set_ylabel(r"mean of $\Vert\hat{W}_i-W_i\Vert_F^2$")
    handles = [*axes.get_legend_handles_labels()[0], *comparison.kinds(line="Cramer-Rao bound")]
    figure.legend(handles=handles, loc="outside right center")
    return figure, _caption(told, preset)


def _caption(table: pd.DataFrame, preset: str) -> str:
    sizes = comparison.sizes(table)
    ratios = "; ".join(
        f"{label} {comparison.in_words(found)}"
        for method, (label, _) in WAYS.items()
        if method != "budgeted_oracle" and not (found := paired(table, method, "budgeted_oracle")["quotient"]).empty
    )
    return (
        "One budget of ranks for three layers that lie on top of each other, each with shared subspaces and cores of "
        f"its own, of ranks 1, 1 and 4; dense sensing, {sizes}, {SIGMA} = {comparison.listed(table, 'noise')} of the "
        f"signal (preset {preset}). Claim: ranks by what the layers contribute to a fit at larger ranks (4, 4, 4) cost "
        "nothing against those of the truth; even ones (2, 2, 2) err by their bias. Markers and bars (measurement): "
        f"median and {summaries.BAND}; line (prediction): the Cramer-Rao bound of the true ranks. Squared error over "
        f"that with the true ranks: {ratios}. "
        f"{summaries.runs_per_point(table, ['asked', 'method']).capitalize()} per point. {summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("budgeted", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

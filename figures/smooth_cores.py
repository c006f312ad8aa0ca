"""Cores that follow a known parameter: error at the users, and between them, against their number."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.experiments.claims.family import expected_cost
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.style import SIGMA

SWEEP = "smooth_cores"
WAYS = {
    "shared_both_between": ("personal cores", style.LOOKS["alternating"]),
    "smooth_between": ("smooth cores", style.LOOKS["alone"]),
}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.7)
    seen, unseen = figure.subplots(1, 2, sharey=True)
    if table.empty:
        return figure, comparison.nothing([seen, unseen], "rows")
    told = table.assign(law=table["bound"] * expected_cost(table))
    for method, (label, look) in WAYS.items():
        of = told[told["method"] == method]
        if of.empty:
            continue
        comparison.measured(seen, of, "num_users", "mean_squared_error", look, label=label)
        comparison.predicted(seen, of, "num_users", "law", look)
        comparison.measured(unseen, of, "num_users", "unseen_error", look)
    ticks = sorted(set(table["num_users"]))
    for letter, axes, name in (("a", seen, "at the users"), ("b", unseen, "between the users, without a sample")):
        _label(axes, letter, name, ticks)
    seen.set_ylabel(r"mean of $\Vert\hat{W}_i-W_i\Vert_F^2$")
    handles = seen.get_legend_handles_labels()[0] + comparison.kinds(marker="measured", line="predicted")
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure, _caption(told, preset)


def _label(axes: Axes, letter: str, name: str, ticks: list[int]) -> None:
    style.plain_log(axes, "x", ticks)
    style.plain_log(axes, "y")
    axes.set_xlabel("users $k$")
    style.title(axes, letter, name)


def _caption(table: pd.DataFrame, preset: str) -> str:
    sizes = comparison.sizes(table, "num_rows", "num_cols", "num_samples")
    ratios = "; ".join(
        f"{label} {comparison.in_words(comparison.quotient(of, 'mean_squared_error', 'law'))}"
        for method, (label, _) in WAYS.items()
        if not (of := table[table["method"] == method]).empty
    )
    return (
        "Cores that follow a known parameter: those of the truth are polynomials with three terms, the users evenly "
        f"spaced. Dense sensing, {sizes}, {SIGMA} = {comparison.listed(table, 'noise')} of the signal "
        f"(preset {preset}). Claim: fitting the polynomials takes r1 r2 unknowns for each term in the place of each "
        "user, and predicts users of whom there is no sample; weights of personal cores are joined by lines there. "
        f"Markers, bars (measurement): median and {summaries.BAND}. Lines (prediction): the Cramer-Rao bound of the "
        "drawn data for smooth cores, times what counting expects for personal ones. Measured over predicted: "
        f"{ratios}. {summaries.runs_per_point(table, ['num_users', 'method']).capitalize()} per point. "
        f"{summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("smooth_cores", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

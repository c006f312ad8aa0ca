"""A new user among old ones: error of a retrieved and of a fitted core against its samples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.experiments.claims.estimates import paired
from colora_theory.experiments.family.retrieval import MEMBERS, OLD_SAMPLES, RANK
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.style import SIGMA
from colora_theory.theory import fitted_core_error, retrieval_crossing, retrieved_core_error

SWEEP = "retrieval"
WAYS = {
    "retrieved_by_residuals": ("most similar users", style.LOOKS["alternating"]),
    "retrieved_from_all": ("mean of all users", style.LOOKS["pooled"]),
    "core_fitted": ("fitted core", style.LOOKS["alone"]),
    "core_of_normal_law": ("posterior mean, normal law", style.LOOKS["oracle"]),
}
_OTHER_WAYS = {"retrieved_by_cores": "cores", "retrieved_by_moments": "moments"}
_SPREAD = 1.04
_PANELS = 3


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    levels = _shown(sorted(set(table["level"])))
    figure = style.new_figure(2.9)
    panels = figure.subplots(1, max(1, len(levels)), sharey=True, squeeze=False)[0]
    if table.empty:
        return figure, comparison.nothing(list(panels), "rows")
    for letter, axes, level in zip("abc", panels, levels, strict=False):
        _panel(axes, table[table["level"] == level], level)
        groups = "no groups" if level == 1 else f"{level:g} of the variance within groups"
        style.title(axes, letter, groups)
    panels[0].set_ylabel(r"$\Vert\hat{W}-W\Vert_F^2$ of the new user")
    handles, labels = panels[0].get_legend_handles_labels()
    kinds = comparison.kinds(line="law")
    figure.legend([*handles, *kinds], [*labels, "law"], loc="outside upper center", ncols=len(handles) + 1)
    return figure, _caption(table, preset)


def _shown(levels: list[float]) -> list[float]:
    """The least, the greatest and one between."""
    return levels if len(levels) <= _PANELS else [levels[0], levels[len(levels) // 2], levels[-1]]


def _panel(axes: Axes, table: pd.DataFrame, level: float) -> None:
    for place, (method, (label, look)) in enumerate(WAYS.items()):
        of = table[table["method"] == method].dropna(subset="mean_squared_error")
        comparison.measured(
            axes, of, "num_samples", "mean_squared_error", look, label=label, shift=_SPREAD ** (place - 1.5)
        )
    sigma, samples = _sigma(table), np.array(sorted(set(table["num_samples"])))
    fitted = np.array([fitted_core_error(RANK, int(count), sigma) for count in samples])
    there = np.isfinite(fitted)
    axes.plot(samples[there], fitted[there], color=WAYS["core_fitted"][1].color, linewidth=0.9)
    if level < 1:
        error = retrieved_core_error(RANK, level, MEMBERS, _old_error(sigma))
        axes.axhline(error, color=WAYS["retrieved_by_residuals"][1].color, linewidth=0.9)
    style.plain_log(axes, "x", samples.tolist())
    style.plain_log(axes, "y")
    axes.set_xlabel("samples $n$ of the new user")


def _sigma(table: pd.DataFrame) -> float:
    """Standard deviation of the noise: relative to the root mean square of measurements, which is the rank."""
    return float(table["noise"].iloc[0]) * RANK


def _old_error(sigma: float) -> float:
    return fitted_core_error(RANK, OLD_SAMPLES, sigma)


def _caption(table: pd.DataFrame, preset: str) -> str:
    sizes = comparison.sizes(table, "num_rows", "num_cols")
    sigma = _sigma(table)
    crossings = ", ".join(
        f"{retrieval_crossing(RANK, sigma, level, MEMBERS, _old_error(sigma)):.3g} for {level:g}"
        for level in sorted(set(table["level"]))
        if level < 1
    )
    others = "; ".join(
        f"{label} {comparison.in_words(found)}"
        for method, label in _OTHER_WAYS.items()
        if not (found := paired(table, method, "retrieved_by_residuals")["quotient"]).empty
    )
    return (
        "A new user among 20 old ones, whose cores are drawn around four centres and fitted together. Dense sensing, "
        f"{sizes}, r = {RANK}, {SIGMA} = {comparison.listed(table, 'noise')} of the signal (preset {preset}). Claim: "
        "in groups the mean core of the most similar old users errs less than a fitted one up to about the crossing of "
        f"the two laws; without groups it does not. Markers and bars (measurement): median and {summaries.BAND}. Lines "
        f"(theory, of the mean): fitted {SIGMA}^2 r^2 / (n - r^2 - 1) in known subspaces; retrieved from the {MEMBERS} "
        f"old users of one's group. They cross at n = {crossings or 'nowhere'} of it. Other "
        f"distances than residuals, squared error over that by residuals: {others}. "
        f"{summaries.runs_per_point(table, ['level', 'num_samples', 'method']).capitalize()} per point. "
        f"{summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("retrieval", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

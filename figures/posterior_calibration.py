"""Coverage and width of intervals for new measurements, with a prior and without."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries

SWEEP = "posterior_calibration"
WAYS = {
    "intervals_laplace": ("Laplace", style.LOOKS["alternating"]),
    "intervals_given_subspaces": ("subspaces known", style.LOOKS["pooled"]),
    "intervals_plug_in": ("noise alone", style.LOOKS["alone"]),
    "intervals_cramer_rao": ("Cramer-Rao", style.LOOKS["oracle"]),
}
NOMINAL = 0.9


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.7)
    covered, wide = figure.subplots(1, 2)
    if table.empty:
        return figure, comparison.nothing([covered, wide], "rows")
    for place, (method, (label, look)) in enumerate(WAYS.items()):
        # Sideways, so that the bars do not hide each other.
        of = table[table["method"] == method]
        if of.empty:
            continue
        shift = 1.02 ** (place - 1.5)
        comparison.measured(covered, of, "oversampling", "coverage_90", look, label=label, shift=shift)
        comparison.measured(wide, of, "oversampling", "interval_width", look, shift=shift)
    covered.axhline(NOMINAL, color=style.GREY, linewidth=0.8)
    covered.set_ylabel("coverage of new measurements")
    wide.set_ylabel(f"width of 90% intervals / ${style.SIGMA}$")
    for letter, axes, name in (("a", covered, "coverage of nominal 90%"), ("b", wide, "width")):
        _label(axes, letter, name, sorted({round(float(each), 1) for each in table["oversampling"]}))
    figure.legend(*covered.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure, _caption(table, preset)


def _label(axes: Axes, letter: str, name: str, ticks: list[float]) -> None:
    style.plain_log(axes, "x", ticks)
    axes.set_xlabel("N / DoF")
    style.title(axes, letter, name)


def _caption(table: pd.DataFrame, preset: str) -> str:
    sizes = comparison.sizes(table)
    means = "; ".join(
        f"{label} {_means(of)}"
        for method, (label, _) in WAYS.items()
        if not (of := table[table["method"] == method]).empty
    )
    return (
        f"Do intervals hold what they say? Normal cores of similarity {comparison.listed(table, 'level')}, dense "
        f"sensing, {sizes}, r = 2, noise {comparison.listed(table, 'noise')} of the signal (preset {preset}). Fits are "
        "the optima next to the truth. Claim: intervals that count the errors of cores and subspaces are calibrated at "
        "four measurements for each unknown, with a prior (Laplace) or without (Cramer-Rao); those of the noise alone, "
        "and with the subspaces taken as known, are too short. Markers and bars "
        f"(measurement): median and {summaries.BAND}. Mean coverage of 50, 80, 90, 95% over all N / DoF: {means}. "
        f"{summaries.runs_per_point(table, ['oversampling', 'method']).capitalize()} per point. "
        f"{summaries.failures(table)}"
    )


def _means(rows: pd.DataFrame) -> str:
    return ", ".join(f"{rows[f'coverage_{nominal}'].mean():.3f}" for nominal in (50, 80, 90, 95))


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("posterior_calibration", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

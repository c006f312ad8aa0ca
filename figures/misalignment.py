"""Where collaboration stops paying, measured and predicted."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.shapes import by_shape
from colora_theory.figures.style import SIGMA

SWEEP = "misalignment"
ERROR = "mean_squared_error"


class _Way(NamedTuple):
    label: str
    prediction: str
    look: style.Look


WAYS = {
    "alone": _Way(style.LABELS["alone"], "transfer_alone", style.LOOKS["alone"]),
    "pooled": _Way(style.LABELS["pooled"], "transfer_pooled", style.LOOKS["pooled"]),
    "variable_projection": _Way("together", "transfer_together", style.LOOKS["alternating"]),
}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.7)
    shapes = by_shape(table[table["misalignment"].notna()])
    if not shapes:
        return figure, comparison.nothing([figure.subplots()], "misaligned draws")
    (shape, rows), *_ = shapes.items()
    groups = {
        f"s = {similarity:g}, n = {samples}": of
        for (similarity, samples), of in rows.groupby(["similarity", "num_samples"])
    }
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    angles = {}
    for letter, axes, (name, of) in zip("abcdefgh", panels, groups.items(), strict=False):
        angles[name] = _draw_errors(axes, of)
        style.title(axes, letter, name.replace("s", "$s$").replace("n", "$n$"))
    panels[0].set_ylabel(r"mean over users of $\Vert\hat{W}_i-W_i\Vert_F^2$")
    handles = panels[0].get_legend_handles_labels()[0] + comparison.kinds(marker="measured", line="predicted")
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure, _caption(rows, preset, f"{shape.label}, k = {comparison.listed(rows, 'num_users')}", angles)


def _draw_errors(axes: Axes, rows: pd.DataFrame) -> tuple[float, float]:
    """Draw one panel; returns the sines from which on sharing costs more than being alone, measured and predicted."""
    measured, predicted = {}, {}
    for method, (label, column, look) in WAYS.items():
        of = rows[rows["method"] == method]
        if of.empty:
            continue
        measured[method] = comparison.measured(axes, of, "misalignment", ERROR, look, label=label)["median"]
        predicted[method] = comparison.predicted(axes, of, "misalignment", column, look)
    style.plain_log(axes, "y")
    axes.set_xlabel("misalignment")
    if not {"variable_projection", "alone"} <= measured.keys():
        return math.nan, math.nan
    seen, told = (summaries.break_even(of["variable_projection"], of["alone"]) for of in (measured, predicted))
    if math.isfinite(told):
        axes.axvline(told, color=style.GREY, linewidth=0.8)
    return seen, told


def _caption(rows: pd.DataFrame, preset: str, sizes: str, angles: dict[str, tuple[float, float]]) -> str:
    crossings = "; ".join(
        f"{name}: {' and '.join('none on this grid' if math.isnan(sine) else f'{sine:.3f}' for sine in pair)}"
        for name, pair in angles.items()
    )
    points = ["num_users", "num_samples", "similarity", "misalignment", "method"]
    ratios = "; ".join(
        f"{way.label} {comparison.in_words(comparison.quotient(of, ERROR, way.prediction))}"
        for method, way in WAYS.items()
        if not (of := rows[rows["method"] == method]).empty
    )
    return (
        "Subspaces that are not quite shared: every user's own are turned from the common ones by an angle whose sine "
        f"is the misalignment. Dense sensing, {sizes}, {SIGMA} = {comparison.listed(rows, 'noise')} (preset {preset}). "
        "Claim: what a model cannot express costs its squared norm and acts as further noise. Markers, bars "
        f"(measurement): median and {summaries.BAND}. Lines (prediction): a law of large designs at the weights of the "
        "same draws, their median. Sharing costs more than being alone from a sine, measured and predicted (grey "
        f"line; medians, interpolated), of {crossings}. Measured over predicted: {ratios}. "
        f"{summaries.runs_per_point(rows, points).capitalize()} per point. {summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("misalignment", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

"""When similar tasks help a start, and when sharing subspaces begins to hurt."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import by_shape
from colora_theory.figures.style import SIGMA

SWEEP = "similarity"
STARTS = ("pooled", "stacked", "random")
METHODS = ("pooled", "alone", "alternating", "oracle")
ERROR = "mean_squared_error"


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    aligned, turned = table[table["misalignment"].isna()], table[table["misalignment"].notna()]
    starts = {shape: _middle(rows) for shape, rows in by_shape(aligned).items()}
    angles = {float(value): turned[turned["similarity"] == value] for value in np.unique(turned["similarity"])}
    figure = style.new_figure(4.4)
    above, below = _two_rows(figure, max(1, len(starts)), max(1, len(angles)))
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    for axes, (shape, rows) in zip(above, starts.items(), strict=False):
        _draw_starts(axes, rows)
        style.title(
            axes, next(letters), f"{shape.math}, $k$ = {_only(rows, 'num_users')}, $n$ = {_only(rows, 'num_samples')}"
        )
    crossings = {}
    for axes, (similarity, rows) in zip(below, angles.items(), strict=False):
        crossings[similarity] = _draw_angles(axes, rows)
        style.title(axes, next(letters), f"own subspaces, $s$ = {similarity:g}")
    for row, label in ((above, "success rate"), (below, r"mean of $\Vert\hat{W}_i-W_i\Vert_F^2$")):
        if row[0].get_legend_handles_labels()[1]:
            row[0].set_ylabel(label)
            style.legend_beside(row[-1])
        else:
            style.nothing_to_show(row[0], "runs for this panel")
    return figure, _caption(preset, list(starts.values()), turned, crossings)


def _middle(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one number of users and one of samples, the middle ones."""
    for axis in ("num_users", "num_samples"):
        values = sorted(set(rows[axis]))
        rows = rows[rows[axis] == values[len(values) // 2]]
    return rows


def _only(rows: pd.DataFrame, column: str) -> str:
    """The value, or the values, of a column that a title names."""
    return ", ".join(f"{value:g}" for value in sorted(set(rows[column])))


def _two_rows(figure: Figure, upper: int, lower: int) -> tuple[list[Axes], list[Axes]]:
    """Two rows of equal width, of so many axes; the axes of a row share their vertical scale."""
    columns = math.lcm(upper, lower)
    grid = figure.add_gridspec(2, columns)
    rows: tuple[list[Axes], list[Axes]] = ([], [])
    for place, (row, number) in enumerate(zip(rows, (upper, lower), strict=True)):
        width = columns // number
        for begin in range(0, columns, width):
            row.append(figure.add_subplot(grid[place, begin : begin + width], sharey=row[0] if row else None))
            row[-1].tick_params(labelleft=begin == 0)
    return rows


def _draw_starts(axes: Axes, rows: pd.DataFrame) -> None:
    for place, start in enumerate(STARTS):
        chosen = rows[(rows["start"] == start) & (rows["method"] == "alternating")]
        if chosen.empty:
            continue
        rates = summaries.success_rates(chosen, "similarity")
        intervals = [rates["rate"] - rates["low"], rates["high"] - rates["rate"]]
        # Starts often agree, at 0 or at 1: a small shift keeps their intervals apart.
        where = rates.index + 0.008 * (place - 1)
        axes.errorbar(
            where, rates["rate"], intervals, elinewidth=0.6, label=f"{start} start", **style.LOOKS[start].line
        )
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xlabel("similarity of the cores $s$")


def _draw_angles(axes: Axes, rows: pd.DataFrame) -> float:
    """Draw the errors and return the sine at which sharing begins to cost more than being alone."""
    medians: dict[str, pd.Series[float]] = {}
    for method in METHODS:
        look, band = style.LOOKS[method], summaries.bands(rows[rows["method"] == method], "misalignment", ERROR)
        if band.empty:
            continue
        axes.fill_between(band.index, band["low"], band["high"], color=look.color, alpha=0.18, linewidth=0)
        # Of many points some have markers, so that lines are seen as lines.
        every = 1 + len(band) // 15
        axes.plot(band.index, band["median"], label=style.LABELS[method], markevery=every, **look.line)
        medians[method] = band["median"]
    axes.set_yscale("log")
    # Room for the label of the crossing below the lowest curve.
    axes.margins(y=0.16)
    axes.set_xlabel("misalignment (sine of the angle)")
    if not {"alternating", "alone"} <= medians.keys():
        return math.nan
    sine = summaries.break_even(medians["alternating"], medians["alone"])
    if math.isfinite(sine):
        axes.axvline(sine, color=style.GREY, linewidth=0.8)
        where = (sine, 0.02)
        axes.annotate(
            f"{sine:.2f} ({math.degrees(math.asin(sine)):.0f}°)",
            where,
            (3, 2),
            fontsize=7,
            xycoords=axes.get_xaxis_transform(),
            textcoords="offset points",
        )
    return sine


def _caption(preset: str, starts: list[pd.DataFrame], turned: pd.DataFrame, crossings: Mapping[float, float]) -> str:
    points = ["num_users", "num_rows", "num_samples", "similarity", "misalignment", "method", "start"]
    parts = [
        f"Task similarity, dense sensing (preset {preset}). Claim: with few samples a pooled start needs similar cores "
        "and a stacked one does not; sharing subspaces helps until the users' own are turned away by about the error "
        "of a user alone."
    ]
    if starts:
        rows = pd.concat(starts)
        parts.append(
            "Above: success of alternating minimization (noiseless, relative error below 1e-6; of several n in "
            "the table the middle one) with Wilson's 95% "
            f"interval, {summaries.runs_per_point(rows, points)} per point, shifted a little sideways. "
            + summaries.failures(rows, "start").replace("Runs", "Runs by start")
        )
    if crossings:
        found = ", ".join(
            f"{sine:.2f} ({math.degrees(math.asin(sine)):.1f}°) at s = {similarity:g}"
            for similarity, sine in crossings.items()
            if math.isfinite(sine)
        )
        noise = ", ".join(f"{value:g}" for value in sorted(set(turned["noise"])))
        parts.append(
            f"Below: every user's own subspaces turned from the common ones, {SIGMA} = {noise}, "
            f"n = {_only(turned, 'num_samples')}, median and {summaries.BAND}, "
            f"{summaries.runs_per_point(turned, points)} per point. Sharing costs more than being alone from a sine of "
            f"{found or 'no value of this grid'} on (grey line; medians, interpolated). " + summaries.failures(turned)
        )
    return " ".join(parts)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("similarity", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

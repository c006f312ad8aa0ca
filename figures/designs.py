"""What a design does to the methods' steps and to their start, and what a kind of noise does to the error."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import Shape, by_shape

SWEEP = "designs"
METHODS = {
    "variable_projection": ("variable projection", style.Look(style.BLACK, "D", "")),
    "alternating": ("alternating", style.Look(style.BLUE, "o", "")),
    "scaled_gradient_descent": ("scaled gradient", style.Look(style.ORANGE, "^", "")),
    "altgdmin_whitened": ("AltGDmin, whitened", style.Look(style.GREEN, "P", "")),
    "altgdmin": ("AltGDmin", style.Look(style.VERMILLION, "s", "")),
}
STARTS = {
    "stacked": ("stacked start", style.Look(style.BLUE, "o", "")),
    "corrected": ("corrected start", style.Look(style.ORANGE, "^", "")),
}
ESTIMATORS = {
    "variable_projection": ("together", style.Look(style.BLACK, "D", "")),
    "oracle": ("oracle", style.Look(style.GREY, "v", "")),
}
NAMES = {
    "gaussian": "Gaussian",
    "rademacher": "Rademacher",
    "student_t": "Student's $t$",
    "correlated": "correlated",
    "unequal": "unequal",
    "heteroscedastic": "heteroscedastic",
}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.9)
    panels = figure.subplots(1, 3, width_ratios=(1.5, 1, 1))
    shapes = by_shape(table)
    if not shapes:
        for axes in panels:
            style.nothing_to_show(axes, "rows")
        return figure, "The table is empty."
    (shape, rows), *_ = shapes.items()
    solved = rows[(rows["noise"] == 0) & (rows["method"] != "start")]
    started = rows[(rows["noise"] == 0) & (rows["method"] == "start")]
    noisy = rows[rows["noise"] > 0]
    _draw_steps(panels[0], solved)
    _draw_overlaps(panels[1], started)
    _draw_errors(panels[2], noisy)
    for letter, axes, text in zip(
        "abc", panels, ("steps to converge", "overlap of the start", "kinds of noise"), strict=True
    ):
        style.title(axes, letter, text)
    panels[1].tick_params(labelleft=False)
    return figure, _caption(rows, preset, shape, solved)


def _name(design: str) -> str:
    """The design in words, with its condition number."""
    base, _, condition = design.rpartition("_")
    return f"{NAMES[base]}, {condition}" if base in NAMES and condition.isdigit() else NAMES.get(design, design)


def _dots(
    axes: Axes,
    rows: pd.DataFrame,
    axis: str,
    column: str,
    by: str,
    series: dict[str, tuple[str, style.Look]],
    names: list[str],
) -> None:
    """Median and band of a column, one line of the panel for each name on `axis`, one marker for each series."""
    there = [which for which in series if (rows[by] == which).any()]
    for position, which in enumerate(there):
        band = summaries.bands(rows[rows[by] == which], axis, column).reindex(names).dropna()
        lines = np.array([names.index(str(name)) for name in band.index], float)
        label, look = series[which]
        # One below the other, so that equal values stay apart.
        lines += 0.11 * (position - (len(there) - 1) / 2)
        spread = [band["median"] - band["low"], band["high"] - band["median"]]
        axes.errorbar(band["median"], lines, xerr=spread, label=label, elinewidth=0.7, **look.line)
    axes.set_yticks(range(len(names)), [_name(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    for line in range(1, len(names)):
        axes.axhline(line - 0.5, color="0.9", linewidth=0.5)
    if there:
        place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.09), "borderaxespad": 0}
        axes.legend(ncols=2 if len(there) > 2 else 1, handlelength=1.0, columnspacing=1.2, **place)


def _order(rows: pd.DataFrame, axis: str) -> list[str]:
    return [str(name) for name in rows[axis].drop_duplicates()]


def _draw_steps(axes: Axes, rows: pd.DataFrame) -> None:
    if rows.empty:
        style.nothing_to_show(axes, "noiseless runs")
        return
    _dots(axes, rows, "design", "steps", "method", METHODS, _order(rows, "design"))
    style.plain_log(axes, "x", [1, 10, 100, 1000, 10000])
    axes.set_xlabel("steps")


def _draw_overlaps(axes: Axes, rows: pd.DataFrame) -> None:
    if rows.empty:
        style.nothing_to_show(axes, "starts")
        return
    overlaps = rows.assign(overlap=rows[["overlap_left", "overlap_right"]].mean(axis=1))
    _dots(axes, overlaps, "design", "overlap", "start", STARTS, _order(rows, "design"))
    axes.set_xlim(-0.04, 1.04)
    axes.set_xlabel("mean squared cosine")


def _draw_errors(axes: Axes, rows: pd.DataFrame) -> None:
    if rows.empty:
        style.nothing_to_show(axes, "noisy runs")
        return
    reference = rows[(rows["noise_kind"] == "gaussian") & (rows["method"] == "variable_projection")]
    unit = reference["mean_squared_error"].median() if not reference.empty else rows["mean_squared_error"].median()
    relative = rows.assign(relative=rows["mean_squared_error"] / unit)
    _dots(axes, relative, "noise_kind", "relative", "method", ESTIMATORS, _order(rows, "noise_kind"))
    axes.axvline(1, color=style.GREY, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_xlim(left=0)
    axes.set_xlabel("squared error, relative")


def _caption(rows: pd.DataFrame, preset: str, shape: Shape, solved: pd.DataFrame) -> str:
    users, samples = (", ".join(map(str, sorted(set(rows[name])))) for name in ("num_users", "num_samples"))
    runs = summaries.runs_per_point(rows, ["design", "noise_kind", "noise", "method", "start"])
    limit = ", ".join(map(str, sorted(set(solved["max_steps"]))))
    return (
        f"Designs and kinds of noise, dense sensing, {shape.label}, k = {users}, n = {samples} (preset {preset}). "
        "Claim: what isotropic entries are drawn from hardly matters; correlated ones slow down gradient steps and "
        "leave exact block updates nearly alone, and whitening takes back most of it. Correlated: Kronecker "
        "covariances of the given condition number on each side, the same for all users; unequal: with axes of each "
        f"user's own, which no change of variables whitens. Markers, bars: median and {summaries.BAND}. (a) Steps "
        f"without noise from a stacked start, at most {limit or 'none'}. (b) What the start finds of U and V, on "
        "average; corrected: of moments multiplied by the inverse of each user's estimated covariance, which takes "
        "away the bias and brings noise. "
        "(c) Squared error by kind of noise of the same variance, over the median of the Gaussian kind. "
        f"{runs.capitalize()} per point. No step is taken by a start: its status is MAX_STEPS. "
        f"{summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("designs", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

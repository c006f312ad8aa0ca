"""The map of successes over users and samples, and where the plan stands on it."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from colora_theory.experiments.claims.plans import FEWER, reached, with_enough, with_too_few
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.shapes import Shape, by_shape

SWEEP = "success_map"
# From dark to light; the lightest shade of all would not stand out from the paper.
SHADES = ListedColormap(matplotlib.colormaps["cividis"](np.linspace(0.0, 0.97, 256)))
CASING = [patheffects.withStroke(linewidth=3.4, foreground="white")]
PLAN: dict[str, Any] = {"color": style.VERMILLION, "linewidth": 1.8, "path_effects": CASING, "solid_capstyle": "butt"}
COUNTING: dict[str, Any] = {"color": style.BLACK, "linewidth": 1.2, "linestyle": (0, (1, 1.2))}
TICKS = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 1000]


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.9)
    shapes = by_shape(table)
    if not shapes:
        return figure, comparison.nothing([figure.subplots()], "rows")
    (shape, rows), *_ = shapes.items()
    levels = sorted(set(rows["noise"]))[:2]
    panels = figure.subplots(1, len(levels), squeeze=False)[0]
    for letter, axes, noise in zip("ab", panels, levels, strict=False):
        of_noise = rows[rows["noise"] == noise]
        _draw_map(axes, shape, of_noise)
        what = "runs that recover the truth, no noise"
        if noise > 0:
            what = f"runs that reach an error of {of_noise['target_error'].iloc[0]:g}, ${style.SIGMA}$ = {noise:g}"
        style.title(axes, letter, what)
    panels[0].set_ylabel("samples per user $n$")
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), SHADES), ax=list(panels), aspect=25, pad=0.02)
    bar.set_label("share of runs")
    bar.outline.set_linewidth(0.6)
    handles = [
        Line2D([], [], label="recommended by the plan", **PLAN),
        Line2D([], [], label="counting, DoF$/k$", **COUNTING),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure, _caption(rows, preset, shape)


def _draw_map(axes: Axes, shape: Shape, rows: pd.DataFrame) -> None:
    """A column of cells for every number of users; they lie where they were run, and the rest is left empty."""
    users = np.array(sorted(set(rows["num_users"])), float)
    columns = _edges(users)
    axes.grid(visible=False)
    for num_users, left, right in zip(users, columns[:-1], columns[1:], strict=True):
        of_users = rows[rows["num_users"] == num_users]
        shares = reached(of_users).groupby(of_users["num_samples"]).mean()
        samples = _edges(shares.index.to_numpy(float))
        axes.pcolormesh(
            [left, right], samples, shares.to_numpy(float)[:, None], cmap=SHADES, vmin=0, vmax=1, edgecolors="white"
        )
        axes.plot([left, right], [of_users["planned_samples"].iloc[0]] * 2, **PLAN)
    fine = np.geomspace(columns[0], columns[-1], 100)
    counted = [shape.per_user(num_users) for num_users in fine]
    axes.plot(fine, counted, color="white", linewidth=2.4)
    axes.plot(fine, counted, **COUNTING)
    style.plain_log(axes, "x", [int(num_users) for num_users in users])
    style.plain_log(axes, "y", TICKS)
    axes.set_xlim(columns[0], columns[-1])
    axes.set_xlabel("users $k$")


def _edges(values: np.ndarray) -> np.ndarray:
    """Geometric means of neighbours, and beyond the ends as far as their neighbours are."""
    if len(values) == 1:
        return values * np.array([0.8, 1.25])
    middles = np.sqrt(values[:-1] * values[1:])
    return np.concatenate([[values[0] ** 2 / middles[0]], middles, [values[-1] ** 2 / middles[-1]]])


def _caption(rows: pd.DataFrame, preset: str, shape: Shape) -> str:
    seen = "; ".join(
        f"{'no noise' if noise == 0 else f'{style.SIGMA} = {noise:g}'}: {_counts(with_enough(of_noise))} with at "
        f"least the planned samples, {_counts(with_too_few(of_noise))} with at most {FEWER:.0%} of them"
        for noise, of_noise in rows.groupby("noise")
    )
    cells = ["num_users", "num_samples", "noise"]
    runs = int(rows.groupby(cells).size().min())
    low, high = summaries.wilson(np.array([runs, 0.0]), np.array([runs, runs], float))
    return (
        f"Where the plan stands on the map of successes, dense sensing, {shape.label}, similarity "
        f"{comparison.listed(rows, 'similarity')} (preset {preset}). Claim: the samples per user that a plan "
        "recommends from the sizes, the noise and the target alone are enough, and 70% of them are not. Shade: share "
        "of runs that reach the target, a relative error of 1e-6 without noise; empty: not run. Solid line: the plan, "
        "for a share of 0.9; dotted: as many measurements as unknowns. "
        f"{summaries.runs_per_point(rows, cells).capitalize()} per cell, so that Wilson's 95% interval of a cell "
        f"reaches from none up to {high[1]:.0%} and from all down to {low[0]:.0%}. Seen: {seen}. "
        f"{summaries.failures(rows)}"
    )


def _counts(rows: pd.DataFrame) -> str:
    """How many runs reached the target, in words."""
    if rows.empty:
        return "no runs"
    successes = int(reached(rows).sum())
    low, high = summaries.wilson(np.array([float(successes)]), np.array([float(len(rows))]))
    return f"{successes} of {len(rows)} runs ({low[0]:.0%} to {high[0]:.0%})"


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("success_map", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

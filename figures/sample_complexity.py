"""How many samples a user needs, alone and together, beside what counting says."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import Shape, by_shape

SWEEP = "sample_complexity"
COUNTING = (0, (1, 2))
POINTS: dict[str, Any] = {"textcoords": "offset points", "fontsize": 7}
ALONE = 0  # stands for the number of users of the curve of one user alone: it comes before all others


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(4.4)
    # Two rows with layouts of their own: the legend beside the upper one takes nothing from the lower.
    above, below = figure.subfigures(2, 1, squeeze=False)[:, 0]
    panels = {"rates": above.subplots()} | dict(zip(("half", "collapse"), below.subplots(1, 2), strict=True))
    shapes = by_shape(table)
    shape = next(iter(shapes), None)
    style.title(panels["rates"], "a", "runs that recover the truth")
    style.title(panels["half"], "b", "samples at which half of the runs succeed")
    style.title(panels["collapse"], "c", "the same per unknown")
    if shape is None:
        for axes in panels.values():
            style.nothing_to_show(axes, "rows")
        return figure, "The table is empty."
    curves = _curves(shapes[shape])
    looks = _looks(curves)
    _draw_rates(panels["rates"], shape, curves, looks)
    halves = {num_users: summaries.half_point(rates) for num_users, rates in curves.items()}
    _draw_halves(panels["half"], shape, halves, looks)
    _draw_collapse(panels["collapse"], shape, curves, looks, list(shapes.items())[1:])
    return figure, _caption(table, preset, list(shapes), halves)


def _curves(rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """Success over samples per user: alone first, then by number of users."""
    curve = rows["num_users"].where(rows["method"] != "alone", ALONE)
    return {int(which): summaries.success_rates(rows[curve == which], "num_samples") for which in np.unique(curve)}


def _looks(curves: dict[int, pd.DataFrame]) -> dict[int, style.Look]:
    together = [curve for curve in curves if curve != ALONE]
    # The more users, the darker: the curves that matter most carry most ink.
    shades = dict(zip(reversed(together), style.sequence(len(together)), strict=True))
    return shades | {ALONE: style.LOOKS["alone"]}


def _name(num_users: int) -> str:
    return "alone" if num_users == ALONE else f"k = {num_users}"


def _math(num_users: int) -> str:
    return _name(num_users).replace("k", "$k$")


def _count(shape: Shape, num_users: int) -> float:
    """Unknowns per user."""
    return shape.alone if num_users == ALONE else shape.per_user(num_users)


def _line(shape: Shape, num_users: int) -> float:
    """Where the counting line stands: no fewer samples can do."""
    return shape.alone if num_users == ALONE else shape.necessary(num_users)


def _plot_rates(axes: Axes, where: np.ndarray, rates: pd.DataFrame, look: style.Look, label: str) -> None:
    rate = rates["rate"]
    intervals = [rate - rates["low"], rates["high"] - rate]
    axes.errorbar(where, rate, intervals, label=label, elinewidth=0.6, **look.line)
    axes.set_ylim(-0.04, 1.04)


def _draw_rates(axes: Axes, shape: Shape, curves: dict[int, pd.DataFrame], looks: dict[int, style.Look]) -> None:
    for num_users, rates in sorted(curves.items(), reverse=True):
        _plot_rates(axes, rates.index.to_numpy(float), rates, looks[num_users], _math(num_users))
        axes.axvline(_line(shape, num_users), color=looks[num_users].color, linewidth=0.8, linestyle=COUNTING)
    axes.plot([], [], color=style.GREY, linewidth=0.8, linestyle=COUNTING, label="counting line")
    style.plain_log(axes, "x")
    axes.set_xlabel("samples per user $n$")
    axes.set_ylabel("success rate")
    style.legend_beside(axes, title=shape.math)


def _draw_halves(
    axes: Axes, shape: Shape, halves: dict[int, tuple[float, float, float]], looks: dict[int, style.Look]
) -> None:
    users = [num_users for num_users in halves if num_users != ALONE]
    most = max(users, default=2)
    fine = np.geomspace(1, most, 100)
    counted = [shape.per_user(num_users) for num_users in fine]
    axes.plot(fine, counted, color=style.GREY, linestyle=COUNTING)
    axes.annotate("counting, DoF$/k$", (fine[45], counted[45]), (-3, -3), ha="right", va="top", **POINTS)
    axes.axhline(shape.alone, color=style.VERMILLION, linewidth=1.0, linestyle=COUNTING)
    alone = f"counting, alone: $r(d_1+d_2-r)$ = {shape.alone}"
    axes.annotate(alone, (most, shape.alone), (2, 2), ha="right", va="bottom", **POINTS)
    for num_users, (middle, first, last) in halves.items():
        # An end that the grid does not reach is left open.
        spread = [[np.nan_to_num(middle - first)], [np.nan_to_num(last - middle)]]
        axes.errorbar(max(1, num_users), middle, spread, elinewidth=0.8, **looks[num_users].line)
        if np.isfinite(middle):
            axes.annotate(f"{middle:.3g}", (max(1, num_users), middle), (5, 3), **POINTS)
    style.plain_log(axes, "x", sorted({1, *users}))
    style.plain_log(axes, "y")
    axes.set_xlabel("users $k$")
    axes.set_ylabel("samples per user $n$")
    # Room for the words above the highest line and for the number beside the last point.
    axes.set_xlim(0.8, most * 1.7)
    axes.set_ylim(top=shape.alone * 2.5)


def _draw_collapse(
    axes: Axes,
    shape: Shape,
    curves: dict[int, pd.DataFrame],
    looks: dict[int, style.Look],
    others: list[tuple[Shape, pd.DataFrame]],
) -> None:
    for num_users, rates in sorted(curves.items(), reverse=True):
        where = rates.index.to_numpy(float) / _count(shape, num_users)
        axes.plot(where, rates["rate"], **looks[num_users].line)
    for other, rows in others:
        for num_users, rates in _curves(rows).items():
            where = rates.index.to_numpy(float) / _count(other, num_users)
            look = style.Look(style.BLACK, "X", (0, (1, 1.2)))
            _plot_rates(axes, where, rates, look, f"{other.math}, {_math(num_users)}")
    axes.axvline(1, color=style.GREY, linewidth=0.8, linestyle=COUNTING)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlabel("samples per user over unknowns per user, $N$/DoF")
    axes.set_ylabel("success rate")
    if others:
        style.legend_above(axes)


def _caption(
    table: pd.DataFrame, preset: str, shapes: list[Shape], halves: dict[int, tuple[float, float, float]]
) -> str:
    shape, *others = shapes
    found = ", ".join(
        f"{middle:.3g} for {_name(num_users)} ({middle / _count(shape, num_users):.2f} times the count)"
        for num_users, (middle, _, _) in halves.items()
        if np.isfinite(middle)
    )
    # A converged run has a zero gradient, which a local minimum has, too.
    trapped = ((table["status_name"] == "CONVERGED") & (table["relative_error"] >= summaries.SUCCESS)).sum()
    also = f" Crosses in (c): {', '.join(other.label for other in others)}." if others else ""
    runs = summaries.runs_per_point(table, ["num_users", "num_rows", "num_cols", "num_samples", "method"])
    return (
        f"Samples that recovery needs, noiseless dense sensing, {shape.label} (preset {preset}). Claim: users who "
        "share their subspaces need fewer samples each, in step with the count of unknowns. (a) Share of runs with a "
        "relative error below 1e-6, Wilson's 95% interval; dotted: with fewer samples none can recover, by count. "
        "(b) Where the rate, made monotone and interpolated, passes one half; bars: where the ends of the intervals "
        f"do, left out where the grid does not reach. Half of the runs succeed at n = {found or '(not on this grid)'}. "
        f"(c) The rates of (a) over samples per unknown.{also} {runs.capitalize()} per point, alternating minimization "
        f"from a stacked start. {summaries.failures(table)} CONVERGED, but to another stationary point: {trapped}."
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("sample_complexity", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

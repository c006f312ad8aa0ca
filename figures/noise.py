"""How noise passes into the estimates, beside the laws."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import Shape, by_shape
from colora_theory.figures.style import SIGMA

SWEEP = "noise"
METHODS = ("alone", "pooled", "alternating", "oracle")
ERROR = "mean_squared_error"


def law_together(shape: Shape, num_users: float, num_samples: float, sigma: float) -> float:
    """sigma^2 (r1 r2 + (r1 (d1 - r1) + r2 (d2 - r2)) / k) / n, for many samples."""
    return sigma**2 * shape.per_user(num_users) / num_samples


def law_alone(shape: Shape, num_samples: float, sigma: float) -> float:
    """sigma^2 r (d1 + d2 - r) / n, for many samples."""
    return sigma**2 * shape.alone / num_samples


def law_oracle(shape: Shape, num_samples: float, sigma: float) -> float:
    """sigma^2 r1 r2 / (n - r1 r2 - 1): least squares with a Gaussian design, exact; NaN where the mean is infinite."""
    spare = num_samples - shape.core_size - 1
    return sigma**2 * shape.core_size / spare if spare > 0 else float("nan")


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(4.6)
    panels = figure.subplot_mosaic([["users", "samples"], ["ratio", "ratio"]], height_ratios=[1.25, 1])
    panels["samples"].sharey(panels["users"])
    style.title(panels["ratio"], "c", "together: measured over law")
    shapes = by_shape(table)
    if not shapes:
        for axes in panels.values():
            style.nothing_to_show(axes, "rows")
        return figure, "The table is empty."
    shape, rows = next(iter(shapes.items()))
    sigma = float(rows["noise"].iloc[0])
    num_samples = summaries.widest(rows, "num_samples", "num_users")
    num_users = summaries.widest(rows, "num_users", "num_samples")
    _draw_users(panels["users"], shape, rows[rows["num_samples"] == num_samples], sigma, num_samples)
    _draw_samples(panels["samples"], shape, rows[rows["num_users"] == num_users], sigma, num_users)
    style.title(panels["users"], "a", f"$n$ = {num_samples} samples per user")
    style.title(panels["samples"], "b", f"$k$ = {num_users} users")
    panels["samples"].tick_params(labelleft=False)
    lawless = {"pooled": {"linestyle": ""}}
    handles = [
        Line2D([], [], label=style.LABELS[method], **style.LOOKS[method].line | lawless.get(method, {}))
        for method in METHODS
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), columnspacing=2.5)
    ratios = _ratios(shapes)
    _draw_ratio(panels["ratio"], ratios)
    return figure, _caption(table, preset, shape, sigma, ratios)


def _draw_methods(axes: Axes, rows: pd.DataFrame, axis: str) -> None:
    span = rows[axis].max() / rows[axis].min()
    for place, method in enumerate(METHODS):
        band = summaries.bands(rows[rows["method"] == method], axis, ERROR)
        if band.empty:
            continue
        spread = [band["median"] - band["low"], band["high"] - band["median"]]
        # With one user three of the four are one and the same: a small shift keeps them apart.
        where = band.index * span ** (0.007 * (place - 1.5))
        axes.errorbar(where, band["median"], spread, elinewidth=0.7, **style.LOOKS[method].line | {"linestyle": ""})
    axes.set_yscale("log")


def _law(axes: Axes, where: np.ndarray, values: list[float], method: str) -> None:
    axes.plot(where, values, linewidth=0.9, **style.LOOKS[method].plain)


def _around(values: set[int]) -> np.ndarray:
    """A fine grid that reaches a little beyond the measured values."""
    return np.geomspace(min(values) / 1.15, max(values) * 1.15, 100)


def _draw_users(axes: Axes, shape: Shape, rows: pd.DataFrame, sigma: float, num_samples: int) -> None:
    _draw_methods(axes, rows, "num_users")
    users = set(rows["num_users"])
    fine = np.clip(_around(users), 1, None)
    if num_samples >= shape.alone:
        _law(axes, fine, [law_alone(shape, num_samples, sigma)] * fine.size, "alone")
    enough = fine[[shape.per_user(k) <= num_samples for k in fine]]
    _law(axes, enough, [law_together(shape, k, num_samples, sigma) for k in enough], "alternating")
    _law(axes, fine, [law_oracle(shape, num_samples, sigma)] * fine.size, "oracle")
    style.plain_log(axes, "x", sorted(users))
    axes.set_xlabel("users $k$")
    axes.set_ylabel(r"mean over users of $\Vert\hat{W}_i-W_i\Vert_F^2$")


def _draw_samples(axes: Axes, shape: Shape, rows: pd.DataFrame, sigma: float, num_users: int) -> None:
    _draw_methods(axes, rows, "num_samples")
    fine = _around(set(rows["num_samples"]))
    # A law for many samples says nothing below the count of unknowns.
    enough = fine[fine >= shape.alone]
    _law(axes, enough, [law_alone(shape, n, sigma) for n in enough], "alone")
    enough = fine[fine >= shape.per_user(num_users)]
    _law(axes, enough, [law_together(shape, num_users, n, sigma) for n in enough], "alternating")
    _law(axes, fine, [law_oracle(shape, n, sigma) for n in fine], "oracle")
    samples = sorted(set(rows["num_samples"]))
    style.plain_log(axes, "x", samples if len(samples) < 7 else None)
    axes.set_xlabel("samples per user $n$")


def _ratios(shapes: dict[Shape, pd.DataFrame]) -> dict[Shape, pd.DataFrame]:
    """Median and band of measured over law for every k and n, with their N / DoF as index."""
    ratios = {}
    for shape, rows in shapes.items():
        together = rows[rows["method"] == "alternating"]
        if not together[ERROR].notna().any():
            continue
        laws = [
            law_together(shape, k, n, sigma)
            for k, n, sigma in zip(together["num_users"], together["num_samples"], together["noise"], strict=True)
        ]
        # Different k and n may have the same N / DoF: they are points of their own.
        points = together.assign(ratio=together[ERROR] / laws).groupby(["num_users", "num_samples"])
        bands = [summaries.bands(point, "oversampling", "ratio") for _, point in points]
        ratios[shape] = pd.concat([band for band in bands if not band.empty])
    return ratios


def _draw_ratio(axes: Axes, ratios: dict[Shape, pd.DataFrame]) -> None:
    looks = [style.LOOKS["alternating"], style.Look(style.BLACK, "D", ""), style.Look(style.VERMILLION, "s", "")]
    for (shape, band), look in zip(ratios.items(), looks, strict=False):
        spread = [band["median"] - band["low"], band["high"] - band["median"]]
        line = look.line | {"linestyle": ""}
        axes.errorbar(band.index, band["median"], spread, label=shape.math, elinewidth=0.6, **line)
    axes.axhline(1, color=style.GREY, linewidth=0.8)
    style.plain_log(axes, "x")
    # One run in a bad minimum can be off by orders of magnitude; it must not flatten all others.
    style.plain_log(axes, "y")
    axes.set_xlabel("measurements over unknowns $N$/DoF")
    axes.set_ylabel("error / law")
    if ratios:
        style.legend_above(axes)
    else:
        style.nothing_to_show(axes, "run of all users together")


def _caption(table: pd.DataFrame, preset: str, shape: Shape, sigma: float, ratios: dict[Shape, pd.DataFrame]) -> str:
    seen = ""
    if shape in ratios:
        first, last = ratios[shape]["median"].sort_index().iloc[[0, -1]]
        low, high = ratios[shape].index.min(), ratios[shape].index.max()
        seen = f" Its median falls from {first:.2f} at N/DoF = {low:.2f} to {last:.2f} at {high:.2f} ({shape.label})."
    runs = summaries.runs_per_point(table, ["num_users", "num_rows", "num_cols", "num_samples", "method"])
    similarity = ", ".join(f"{value:g}" for value in sorted(set(table["similarity"])))
    return (
        f"Noise of standard deviation {SIGMA} = {sigma:g}, dense sensing, {shape.label}, similarity {similarity} "
        f"(preset {preset}). Claim: the price of the shared subspaces is split among the users. Markers, bars: median "
        f"and {summaries.BAND}, shifted a little sideways. Lines: the laws for many samples, {SIGMA}² DoF/(k n) "
        f"together and {SIGMA}² r (d1 + d2 - r)/n alone, and the exact mean {SIGMA}² r1 r2/(n - r1 r2 - 1) of the "
        "oracle, drawn where n is at least the count of unknowns. One pooled adapter keeps the "
        f"spread of the cores as its bias. (c) Error over law for every k and n.{seen} {runs.capitalize()} per point. "
        + summaries.failures(table)
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("noise", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

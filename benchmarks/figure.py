"""The figure: relative error against seconds, one panel per size."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmarks.errors import BenchError
from benchmarks.methods import METHODS
from benchmarks.methods.base import TARGET
from benchmarks.sizes import SIZES
from benchmarks.store import Store
from benchmarks.summary import quantiles
from colora_theory.figures import style

_COLUMNS = 2
_HEIGHT = 2.3  # inches of a row of panels
_FLOOR = 1e-16  # errors below are drawn here
_POINTS = 200  # of a median curve

# Ours in black, thick; the peers by colour, line and marker, so that grey is enough.
_DASH, _DASH_DOT, _DOT = (0, (5, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1.2))
_OURS = [("-", "D"), (_DASH, "o"), (_DOT, "s"), (_DASH_DOT, "^"), ((0, (3, 1)), "v"), ((0, (8, 2)), "X")]
_PEERS = {
    "pymanopt-tr": style.Look(style.BLUE, "o", "-"),
    "pymanopt-cg": style.Look(style.BLUE, "s", _DASH),
    "scipy-lbfgs": style.Look(style.VERMILLION, "^", "-"),
    "torch-altgdmin": style.Look(style.ORANGE, "v", "-"),
    "torch-adam": style.Look(style.ORANGE, "P", _DASH),
    "tensorly": style.Look(style.GREY, "X", "-"),
    "tensorly-default": style.Look(style.GREY, "<", _DOT),
    "cvxpy": style.Look(style.VERMILLION, ">", _DOT),
}


def draw_into(store: Store, folder: Path) -> list[Path]:
    """Draw what is stored and write NAME.pdf, NAME.png and the caption.

    Raises:
        BenchError: if there are no traces.
    """
    runs, traces = store.read("runs"), store.read_traces()
    if traces.empty:
        raise BenchError(f"there are no traces in {store.root}; to make some: python -m benchmarks run")
    with style.paper_style():
        figure, caption = draw(runs, traces)
        style.add_caption(figure, caption)
        return style.save(figure, caption, folder, "benchmark", f"runs and traces in {store.root.name}")


def draw(runs: pd.DataFrame, traces: pd.DataFrame) -> tuple[Figure, str]:
    """The figure and its caption."""
    sizes = [size for size in SIZES if (traces["size"] == size).any()]
    columns = min(_COLUMNS, len(sizes))
    lines = math.ceil(len(sizes) / columns)
    figure = style.new_figure(_HEIGHT * lines + 0.6)
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    looks = looks_of(list(METHODS))
    for panel, letter, size in zip(panels, "abcdefghij", sizes, strict=False):
        _draw_panel(panel, traces[traces["size"] == size], looks)
        style.title(panel, letter, f"{size}: {SIZES[size].describe().replace(' x ', style.TIMES)}")
    for panel in panels[len(sizes) :]:
        panel.set_axis_off()
    for panel in panels[::columns]:
        panel.set_ylabel("relative error")
    for panel in panels[max(0, len(sizes) - columns) : len(sizes)]:
        panel.set_xlabel("seconds")
    shown = {label: line for panel in panels for line, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.legend(
        list(shown.values()), list(shown), loc="outside upper left", ncols=4, handlelength=2.6, columnspacing=1.0
    )
    return figure, _caption(runs, sizes)


def looks_of(methods: list[str]) -> Mapping[str, style.Look]:
    """How every method is drawn."""
    ours = [name for name in methods if METHODS[name].ours]
    looks = {name: style.Look(style.BLACK, marker, line) for name, (line, marker) in zip(ours, _OURS, strict=False)}
    return {name: looks.get(name) or _PEERS.get(name, style.Look(style.GREY, "o", "-")) for name in methods}


def median_curve(draws: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Median over the draws of the error at equal times, on times that are evenly spaced on a logarithmic axis.

    At any time a run has the error of its last record, and infinity before the first one; the curve ends where half of
    the runs have ended.

    Args:
        draws: seconds and errors of every draw, both of shape (points,).
    """
    ends = sorted(seconds[-1] for seconds, _ in draws)
    begin, end = min(seconds[0] for seconds, _ in draws), ends[len(ends) // 2]
    times = np.geomspace(begin, max(end, begin * (1 + 1e-9)), _POINTS)
    errors = [
        np.where(places >= 0, values[places], np.inf)
        for seconds, values in draws
        for places in [np.searchsorted(seconds, times, side="right") - 1]
    ]
    (median,) = np.exp(quantiles(np.log(errors), [0.5]))
    seen = np.isfinite(median)
    return times[seen], median[seen]


def _draw_panel(axes: Axes, traces: pd.DataFrame, looks: Mapping[str, style.Look]) -> None:
    begin = math.inf
    for name, look in looks.items():
        rows = traces[traces["method"] == name]
        if rows.empty:
            continue
        draws = []
        for _, run in rows.groupby("draw"):
            # A record at time zero, where the peers are given their start, has no place on a logarithmic axis.
            seconds = run["seconds"].to_numpy(float)
            begin = min(begin, *seconds[1:2], seconds[-1])
            draws.append((np.maximum(seconds, 1e-5), np.maximum(run["error"].to_numpy(float), _FLOOR)))
            axes.plot(*draws[-1], color=look.color, linewidth=0.4, alpha=0.3)
        axes.plot(
            *median_curve(draws),
            label=METHODS[name].label,
            markevery=(0.1, 0.2),
            zorder=3 if METHODS[name].ours else 2,
            **look.line,
        )
    axes.axhline(TARGET, color=style.GREY, linewidth=0.6)
    axes.set(xscale="log", yscale="log")
    # Where the first method has taken a step; before, all are at the start.
    axes.set_xlim(left=0.7 * begin)
    axes.set_ylim(_FLOOR, 3.0)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _caption(runs: pd.DataFrame, sizes: list[str]) -> str:
    shown = runs[runs["size"].isin(sizes)]
    draws = "; ".join(f"{size} {shown.loc[shown['size'] == size, 'draw'].nunique()}" for size in sizes)
    counts = shown.assign(failed=shown["status"] == "failed").groupby(["method", "size"], sort=False, as_index=False)
    failures = ", ".join(
        f"{row['method']} {row['failed']}/{row['runs']} on {row['size']}"
        for row in counts.agg(failed=("failed", "sum"), runs=("failed", "size")).to_dict("records")
        if row["failed"]
    )
    return (
        "Relative error over all users against seconds, noiseless heterogeneous linear regression in float64, all "
        "methods from the stacked spectral start, which is inside the clock of ours and outside that of the others; "
        "compiled, a process for every run. Thick lines: medians of the draws at equal times; thin ones: the draws; "
        f"the grey line: an error of 1e-6, without which a run has failed after {shown['cap'].max():g} s. "
        f"Draws: {draws}. Failures: {failures or 'none'}."
    )

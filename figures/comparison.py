"""Measurement on prediction: markers with bars for the one, lines for the other, and words for captions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from colora_theory.figures import style, summaries

_SYMBOLS = {"num_users": "k", "num_rows": "d1", "num_cols": "d2", "num_samples": "n"}
_LINES: dict[str, dict[str, Any]] = {
    "line": {"linestyle": "-", "linewidth": 0.9},
    "dotted": {"linestyle": (0, (1, 1.2)), "linewidth": 0.9},
}


def measured(
    axes: Axes, rows: pd.DataFrame, axis: str, column: str, look: style.Look, *, label: str = "", shift: float = 1.0
) -> pd.DataFrame:
    """Median and band of `column` over `axis` as markers with bars, moved sideways by a factor; returns the bands."""
    band = summaries.bands(rows, axis, column)
    if not band.empty:
        spread = [band["median"] - band["low"], band["high"] - band["median"]]
        line = look.line | {"linestyle": "", "label": label or None}
        axes.errorbar(band.index * shift, band["median"], spread, elinewidth=0.6, **line)
    return band


def predicted(
    axes: Axes, rows: pd.DataFrame, axis: str, column: str, look: style.Look, *, label: str = "", dotted: bool = False
) -> "pd.Series[float]":
    """The median of `column` over `axis` as a line without markers, thin and dotted if asked for; returns it."""
    # Infinite where theory says that nothing can be known: no place on the axes.
    medians = rows[column].replace(np.inf, np.nan).groupby(rows[axis]).median().dropna()
    axes.plot(medians.index, medians, color=look.color, label=label or None, **_LINES["dotted" if dotted else "line"])
    return medians


def published(axes: Axes, where: Sequence[float], values: Sequence[float], marker: str, *, label: str = "") -> None:
    """What others have published, as open black markers that let our own show."""
    line: dict[str, Any] = {"linestyle": "", "marker": marker, "markersize": 7.5, "markeredgewidth": 0.8}
    face: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": style.BLACK, "clip_on": False, "zorder": 5}
    axes.plot(where, values, label=label or None, **line, **face)


def kinds(**labels: str) -> list[Line2D]:
    """Handles of a legend in grey that tell what a `marker`, a `line` and a `dotted` line mean."""
    drawn = {"marker": {"marker": "o", "linestyle": "", "markeredgecolor": "white"}, **_LINES}
    return [Line2D([], [], color=style.GREY, label=label, **drawn[kind]) for kind, label in labels.items()]


def quotient(rows: pd.DataFrame, measured: str, predicted: str) -> "pd.Series[float]":
    """One column over another; NaN where the other is missing, infinite or zero."""
    usable = rows[predicted].where(np.isfinite(rows[predicted]) & (rows[predicted] > 0))
    return rows[measured] / usable


def in_words(ratios: "pd.Series[float]") -> str:
    """Mean, smallest and largest of the ratios that there are, for a caption."""
    ratios = ratios.dropna()
    if ratios.empty:
        return "not known for any run"
    return f"{ratios.mean():.3f} on average, {ratios.min():.3f} to {ratios.max():.3f} over {ratios.size} runs"


def listed(rows: pd.DataFrame, column: str) -> str:
    """The values of a column, for a caption."""
    return ", ".join(f"{value:g}" for value in sorted(set(rows[column].dropna())))


def sizes(rows: pd.DataFrame, *columns: str) -> str:
    """The values of columns of sizes with their symbols, for a caption; of users, rows and columns unless named."""
    named = columns or ("num_users", "num_rows", "num_cols")
    return ", ".join(f"{_SYMBOLS[column]} = {listed(rows, column)}" for column in named)


def nothing(panels: Sequence[Axes], what: str) -> str:
    """Say in all panels, and in the caption that is returned, that the table lacks something."""
    for axes in panels:
        style.nothing_to_show(axes, what)
    return f"The table has no {what}."

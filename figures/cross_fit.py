"""Every structure fitted to the truth of every structure: error over the best possible."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from colora_theory.experiments.claims.family import HELD, expected_cost, over_bound
from colora_theory.figures import comparison, script, style, summaries

SWEEP = "cross_fit"
# Errors beyond are all of one colour; the bound itself is not undercut by more than chance.
_LEAST, _MOST = 1.0, 1000.0
_SHADES = matplotlib.colormaps["cividis"]


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(4.3)
    axes = figure.subplots()
    if table.empty:
        return figure, comparison.nothing([axes], "rows")
    # The truths that are fitted as well first, in the order of the sweep.
    truths = list(dict.fromkeys(table["truth"]))
    methods = sorted(set(table["method"]), key=lambda name: truths.index(name) if name in truths else len(truths))
    ratios = over_bound(table).groupby([table["truth"], table["method"]]).median().unstack().reindex(truths, axis=0)
    _draw_matrix(axes, ratios.reindex(methods, axis=1))
    bar = figure.colorbar(ScalarMappable(LogNorm(_LEAST, _MOST), _SHADES), ax=axes, aspect=30, pad=0.015)
    bar.set_label("squared error over the bound of the truth")
    bar.outline.set_linewidth(0.6)
    return figure, _caption(table, preset)


def _draw_matrix(axes: Axes, ratios: pd.DataFrame) -> None:
    """A cell for every pair, with its number; empty where nothing was fitted."""
    values = ratios.to_numpy(float)
    axes.grid(visible=False)
    axes.pcolormesh(values, cmap=_SHADES, norm=LogNorm(_LEAST, _MOST), edgecolors="white", linewidth=0.8)
    for row, column in np.argwhere(np.isfinite(values)):
        value = values[row, column]
        # Cividis rises evenly in luminance: dark below, light above the middle.
        color = style.BLACK if value > np.sqrt(_LEAST * _MOST) else "white"
        own = ratios.index[row] == ratios.columns[column]
        text = f"{value:.2f}" if value < 9.995 else f"{value:.0f}"
        axes.text(
            column + 0.5, row + 0.5, text, ha="center", va="center", size=6, color=color, weight="bold" if own else None
        )
    axes.invert_yaxis()
    _name(axes, "x", [str(name) for name in ratios.columns])
    _name(axes, "y", [str(name) for name in ratios.index])
    axes.set_xlabel("structure fitted")
    axes.set_ylabel("structure of the truth")
    axes.tick_params(length=0)


def _name(axes: Axes, which: str, names: list[str]) -> None:
    labels = [name.replace("_", "\n" if which == "x" else " ") for name in names]
    ticks = np.arange(len(names)) + 0.5
    if which == "x":
        axes.set_xticks(ticks, labels, size=6)
    else:
        axes.set_yticks(ticks, labels, size=7)


def _caption(table: pd.DataFrame, preset: str) -> str:
    own = table[table["truth"] == table["method"]]
    sizes = comparison.sizes(table, "num_users", "num_rows", "num_cols", "num_samples")
    counts = table.groupby("truth", sort=False)["degrees_of_freedom"].first()
    unknowns = ", ".join(f"{str(name).replace('_', ' ')} {count}" for name, count in counts.items())
    held = table[pd.MultiIndex.from_frame(table[["truth", "method"]]).isin(pd.MultiIndex.from_tuples(HELD))]
    cost = comparison.in_words(over_bound(held) / expected_cost(held))
    return (
        "Which structure serves which truth: rows the structure that the weights were drawn from, columns the one that "
        f"was fitted by least squares; dense sensing, {sizes}, noise {comparison.listed(table, 'noise')} of the signal "
        f"(preset {preset}). Claim: on the diagonal (bold) every structure reaches the Cramer-Rao bound; a larger one "
        "that holds the truth pays for its further unknowns; a smaller one errs by its bias. "
        "Numbers: median over runs of the mean squared error over the Cramer-Rao bound of the true structure (10 to "
        f"90% of the runs on the diagonal: {_band(own)}). Where a larger structure holds the truth at a regular point, "
        f"error over what counting expects: {cost}. "
        f"Unknowns of the truths: {unknowns}. "
        f"{summaries.runs_per_point(table, ['truth', 'method']).capitalize()} per cell. {summaries.failures(table)}"
    )


def _band(rows: pd.DataFrame) -> str:
    ratios = over_bound(rows).dropna()
    if ratios.empty:
        return "none"
    low, high = ratios.quantile(summaries.QUANTILES[0]), ratios.quantile(summaries.QUANTILES[1])
    return f"{low:.2f} to {high:.2f}"


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("cross_fit", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

"""How often an annealed start leads to the truth, by the length of its path."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import by_shape

SWEEP = "annealing"
PREFIX = "annealed_"


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    table = table[table["start"].str.startswith(PREFIX)]
    table = table.assign(sweeps=table["start"].str.removeprefix(PREFIX).astype(int))
    figure = style.new_figure(2.3)
    left, right = figure.subplots(1, 2)
    shapes = by_shape(table)
    style.title(left, "a", "runs that recover the truth")
    style.title(right, "b", "time until one does")
    if not shapes:
        for axes in (left, right):
            style.nothing_to_show(axes, "annealed starts")
        return figure, "The table has no annealed starts."
    (shape, rows), *_ = shapes.items()
    amounts = sorted(set(rows["oversampling"]), reverse=True)
    curves = {amount: _rates(rows[rows["oversampling"] == amount]) for amount in amounts}
    for (amount, rates), look in zip(curves.items(), style.sequence(len(curves)), strict=True):
        # Rates often agree: a small shift keeps their intervals apart.
        where = rates.index * 1.03 ** (amounts.index(amount) - (len(amounts) - 1) / 2)
        _plot(left, where, rates[["rate", "low", "high"]], look, f"{amount:.2f}")
        # The lower the rate, the longer.
        spent = rates[["rate", "high", "low"]].rdiv(rates["seconds"], axis=0).where(rates["rate"] > 0)
        _plot(right, where, spent, look, f"{amount:.2f}")
    left.set_ylim(-0.04, 1.04)
    style.plain_log(right, "y")
    for axes in (left, right):
        style.plain_log(axes, "x", sorted(set(rows["sweeps"])))
        axes.set_xlabel("sweeps of the annealed start")
    left.set_ylabel("success rate")
    right.set_ylabel("seconds per success")
    style.legend_beside(right, title="$N$/DoF")
    users = ", ".join(map(str, sorted(set(rows["num_users"]))))
    return figure, _caption(rows, preset, f"{shape.label}, k = {users}", curves)


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Success rates by sweeps, with the mean time of a run."""
    return summaries.success_rates(rows, "sweeps").assign(seconds=rows.groupby("sweeps")["seconds"].mean())


def _plot(axes: Axes, where: pd.Index, values: pd.DataFrame, look: style.Look, label: str) -> None:
    """Draw the first column, with bars from the second to the third."""
    middle, low, high = (values[column] for column in values)
    axes.errorbar(where, middle, [middle - low, high - middle], label=label, elinewidth=0.6, **look.line)


def _caption(rows: pd.DataFrame, preset: str, sizes: str, curves: dict[float, pd.DataFrame]) -> str:
    found = "; ".join(
        f"{amount:.2f}: " + ", ".join(f"{round(100 * rate)}%" for rate in rates["rate"])
        for amount, rates in curves.items()
    )
    lengths = ", ".join(map(str, sorted(set(rows["sweeps"]))))
    runs = summaries.runs_per_point(rows, ["num_users", "num_samples", "start"])
    steps = ", ".join(map(str, np.unique(rows["max_steps"])))
    return (
        f"One attempt of variable projection from an annealed start, noiseless dense sensing, {sizes} (preset "
        f"{preset}). Claim: the more slowly the ridge falls, the more often the truth is found, and the nearer to the "
        "counting limit the longer it takes. Markers, bars: share of runs with a relative error below 1e-6, Wilson's "
        "95% interval, shifted a little sideways. (b) The mean time of an attempt, start and solve, over its rate: "
        "what it takes on average until an attempt succeeds; left out where none did. "
        f"Success at {lengths} sweeps by N/DoF: {found}. At most {steps} steps of variable projection. "
        f"{runs.capitalize()} per point. {summaries.failures(rows, 'start')}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("annealing", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

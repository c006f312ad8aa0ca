"""How many samples a new user needs once the subspaces are known."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.noise import law_oracle
from colora_theory.figures.shapes import Shape, by_shape
from colora_theory.figures.style import SIGMA

SWEEP = "newcomer"
ERROR = "mean_squared_error"
LOOK = style.LOOKS["oracle"]


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.4)
    left, right = figure.subplots(1, 2)
    style.title(left, "a", "without noise")
    shapes = by_shape(table)
    if not shapes:
        return figure, comparison.nothing([left, right], "rows")
    (shape, rows), *_ = shapes.items()
    exact, noisy = rows[rows["noise"] == 0], rows[rows["noise"] > 0]
    _draw_rates(left, exact, shape)
    means = _draw_errors(right, noisy, shape)
    for axes in (left, right):
        axes.set_xlabel("samples of the new user $n$")
    return figure, _caption(rows, preset, shape, means)


def _draw_rates(axes: Axes, rows: pd.DataFrame, shape: Shape) -> None:
    if rows.empty:
        style.nothing_to_show(axes, "runs without noise")
        return
    rates = summaries.success_rates(rows, "num_samples")
    intervals = [rates["rate"] - rates["low"], rates["high"] - rates["rate"]]
    axes.errorbar(rates.index, rates["rate"], intervals, elinewidth=0.6, **LOOK.line | {"linestyle": ""})
    limit = shape.core_size
    axes.plot([0, limit, limit, rates.index.max() + 1], [0, 0, 1, 1], color=style.GREY, linewidth=0.8)
    axes.set_xlim(0, rates.index.max() + 1)
    axes.set_xticks(rates.index)
    axes.set_ylim(-0.04, 1.04)
    axes.set_ylabel("success rate")


def _draw_errors(axes: Axes, rows: pd.DataFrame, shape: Shape) -> pd.DataFrame:
    """Draw median, mean and law of the largest noise; returns means, standard errors and laws by n."""
    columns = ["mean", "error", "law"]
    if rows.empty:
        style.title(axes, "b", "with noise")
        style.nothing_to_show(axes, "noisy runs")
        return pd.DataFrame(columns=columns)
    sigma = float(rows["noise"].max())
    rows = rows[rows["noise"] == sigma]
    style.title(axes, "b", f"error, $\\sigma$ = {sigma:g}")
    comparison.measured(axes, rows, "num_samples", ERROR, LOOK, label="median and band", shift=0.985)
    summary = {n: summaries.mean_and_error(of[ERROR]) for n, of in rows.groupby("num_samples")}
    means = pd.DataFrame.from_dict(summary, orient="index", columns=columns[:2])
    means = means.assign(law=[law_oracle(shape, n, sigma) for n in means.index])
    look = style.Look(style.VERMILLION, "s", "")
    # Below zero a logarithmic axis has no place for the end of a bar.
    above = (2 * means["error"]).fillna(0)
    bars = [above.clip(upper=0.9 * means["mean"]), above]
    axes.errorbar(means.index * 1.015, means["mean"], bars, label="mean", elinewidth=0.6, **look.line)
    fine = np.arange(shape.core_size + 2, rows["num_samples"].max() + 1)
    axes.plot(
        fine, [law_oracle(shape, n, sigma) for n in fine], color=style.GREY, linewidth=0.9, label="law of the mean"
    )
    style.plain_log(axes, "x", sorted(set(rows["num_samples"])))
    style.plain_log(axes, "y")
    axes.set_ylabel(r"$\Vert\hat{W}-W\Vert_F^2$")
    axes.legend(handles=axes.get_legend_handles_labels()[0], loc="best")
    return means


def _caption(rows: pd.DataFrame, preset: str, shape: Shape, means: pd.DataFrame) -> str:
    seen = ", ".join(
        f"{row['mean'] / row['law']:.2f} +- {row['error'] / row['law']:.2f} (n = {n})"
        for n, row in means.dropna().iterrows()
    )
    runs = summaries.runs_per_point(rows, ["num_samples", "noise", "method"])
    count = shape.core_size
    return (
        f"A new user whose subspaces are known: least squares for its core alone, dense sensing, {shape.label} (preset "
        f"{preset}). Claim: it needs r1 r2 = {count} samples, whatever the size of its weight. (a) Markers, bars "
        "(measurement): share of runs with a relative error below 1e-6, Wilson's 95% interval; grey (prediction): all "
        f"from n = {count} on, none before. (b) Markers, bars (measurement): median and {summaries.BAND}, and the mean "
        f"with two standard errors, shifted a little sideways; grey (prediction): {SIGMA}² r1 r2/(n - r1 r2 - 1), the "
        "exact mean over Gaussian designs, infinite up to n = r1 r2 + 1. Mean over law, with its standard error: "
        f"{seen or 'not on this grid'}. {runs.capitalize()} per point. {summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("newcomer", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

"""What empirical Bayes saves over maximum likelihood where samples are few and noisy."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import script, style, summaries
from colora_theory.figures.shapes import by_shape
from colora_theory.figures.style import SIGMA

SWEEP = "few_samples"
METHODS = {
    "auto": "maximum likelihood",
    "empirical_bayes": "empirical Bayes",
    "oracle": "oracle subspaces",
}
ERROR = "mean_squared_error"
DRAWN = ["num_samples", "noise", "seed"]  # what tells the instances of one shape and number of users apart


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.6)
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    shapes = by_shape(table)
    style.title(right, "b", "gain of empirical Bayes")
    if not shapes:
        for axes in (left, right):
            style.nothing_to_show(axes, "rows")
        return figure, "The table is empty."
    (shape, rows), *_ = shapes.items()
    loudest = rows["noise"].max()
    _draw_errors(left, rows[rows["noise"] == loudest])
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=len(METHODS))
    style.title(left, "a", f"error, $\\sigma$ = {loudest:g}")
    paired = _gains(rows)
    gains = {
        float(noise): summaries.bands(paired[paired["noise"] == noise], "num_samples", "gain")
        for noise in np.unique(paired["noise"])
    }
    _draw_gains(right, gains)
    samples = sorted(set(rows["num_samples"]))
    for axes in (left, right):
        style.plain_log(axes, "x", samples)
        axes.set_xlabel("samples per user $n$")
    users = ", ".join(map(str, sorted(set(rows["num_users"]))))
    return figure, _caption(rows, preset, f"{shape.label}, k = {users}", gains)


def _draw_errors(axes: Axes, rows: pd.DataFrame) -> None:
    span = rows["num_samples"].max() / rows["num_samples"].min()
    for place, (method, label) in enumerate(METHODS.items()):
        band = summaries.bands(rows[rows["method"] == method], "num_samples", ERROR)
        if band.empty:
            continue
        spread = [band["median"] - band["low"], band["high"] - band["median"]]
        # A small shift keeps the bars apart.
        where = band.index * span ** (0.007 * (place - 1))
        axes.errorbar(where, band["median"], spread, label=label, elinewidth=0.7, **style.LOOKS[method].line)
    style.plain_log(axes, "y")
    axes.set_ylabel(r"mean over users of $\Vert\hat{W}_i-W_i\Vert_F^2$")


def _gains(rows: pd.DataFrame) -> pd.DataFrame:
    """The quotient of the two errors, instance by instance."""
    errors = rows.pivot(index=DRAWN, columns="method", values=ERROR).reindex(columns=["auto", "empirical_bayes"])
    return (errors["auto"] / errors["empirical_bayes"]).dropna().rename("gain").reset_index()


def _draw_gains(axes: Axes, gains: dict[float, pd.DataFrame]) -> None:
    if not gains:
        style.nothing_to_show(axes, "runs of both")
        return
    for (noise, band), look in zip(sorted(gains.items(), reverse=True), style.sequence(len(gains)), strict=True):
        spread = [band["median"] - band["low"], band["high"] - band["median"]]
        axes.errorbar(band.index, band["median"], spread, label=f"{noise:g}", elinewidth=0.7, **look.line)
    axes.axhline(1, color=style.GREY, linewidth=0.8)
    style.plain_log(axes, "y")
    axes.set_ylabel("ratio of the errors")
    if len(gains) > 1:
        axes.legend(title="$\\sigma$", loc="upper right")


def _caption(rows: pd.DataFrame, preset: str, sizes: str, gains: dict[float, pd.DataFrame]) -> str:
    seen = "".join(
        f" At {SIGMA} = {noise:g} its median is "
        + ", ".join(f"{gain:.2f} (n = {n})" for n, gain in band["median"].items())
        + "."
        for noise, band in gains.items()
    )
    similarity = ", ".join(f"{value:g}" for value in sorted(set(rows["similarity"])))
    runs = summaries.runs_per_point(rows, ["num_users", "num_samples", "noise", "method"])
    return (
        f"Few and noisy samples, dense sensing, {sizes}, similarity {similarity} (preset {preset}). Claim: cores "
        "shrunk towards what the users have in common have a smaller error than those of maximum likelihood, and with "
        f"many samples the two agree. Markers, bars: median and {summaries.BAND}, in (a) shifted a little sideways. "
        "Maximum likelihood is the best of several attempts, and where empirical Bayes starts; the oracle knows the "
        "subspaces and fits every core by least squares, without a prior. (b) The ratio of the errors of the same "
        f"instance.{seen} {runs.capitalize()} per point. {summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("few_samples", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

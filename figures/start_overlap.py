"""How much of the subspaces the spectral starts find, measured and predicted."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.shapes import by_shape

SWEEP = "start_overlap"
STARTS = ("pooled", "stacked")
OVERLAP, PREDICTED = "overlap", "predicted_overlap"
# Of a weak overlap the threshold decides, which is sharp for infinite sizes only.
CLEAR = 0.3
PANELS = 3


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(2.6)
    shapes = by_shape(table)
    if not shapes:
        return figure, comparison.nothing([figure.subplots()], "rows")
    (shape, rows), *_ = shapes.items()
    means = {name: rows[[f"{name}_left", f"{name}_right"]].mean(axis=1) for name in (OVERLAP, PREDICTED)}
    rows = rows.assign(**means)
    shown = _spread(sorted(set(rows["similarity"])))
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for letter, axes, similarity in zip("abc", panels, shown, strict=False):
        _draw_overlaps(axes, rows[rows["similarity"] == similarity])
        style.title(axes, letter, f"similarity $s$ = {similarity:g}")
    panels[0].set_ylabel("mean squared cosine")
    handles = panels[0].get_legend_handles_labels()[0] + comparison.kinds(marker="measured", line="predicted")
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure, _caption(rows, preset, f"{shape.label}, k = {comparison.listed(rows, 'num_users')}")


def _spread(values: list[float]) -> list[float]:
    """As many of the values as there are panels: the first, the last, and one in the middle."""
    return values if len(values) <= PANELS else [values[0], values[len(values) // 2], values[-1]]


def _draw_overlaps(axes: Axes, rows: pd.DataFrame) -> None:
    for start, shift in zip(STARTS, (0.985, 1.015), strict=True):
        of = rows[rows["start"] == start]
        look = style.LOOKS[start]
        comparison.measured(axes, of, "num_samples", OVERLAP, look, label=f"{start} start", shift=shift)
        comparison.predicted(axes, of, "num_samples", PREDICTED, look)
    style.plain_log(axes, "x", sorted(set(rows["num_samples"])))
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlabel("samples per user $n$")


def _deviation(rows: pd.DataFrame) -> str:
    """The largest difference of means over draws where the overlap is clear, for the caption."""
    points = rows.groupby(["start", "similarity", "num_samples"])[[OVERLAP, PREDICTED]].mean().dropna()
    clear = points[points[PREDICTED] > CLEAR]
    if clear.empty:
        return f"no prediction is above {CLEAR}"
    apart = (clear[OVERLAP] - clear[PREDICTED]).abs()
    farthest = clear.reset_index().iloc[int(apart.to_numpy().argmax())]
    return (
        f"where the prediction is above {CLEAR} the means over draws differ by at most {apart.max():.3f} "
        f"({farthest['start']}, s = {farthest['similarity']:g}, n = {farthest['num_samples']}; {len(clear)} points)"
    )


def _caption(rows: pd.DataFrame, preset: str, sizes: str) -> str:
    runs = summaries.runs_per_point(rows, ["num_users", "num_samples", "similarity", "noise", "start"])
    return (
        f"How much of the subspaces the spectral starts find, noiseless dense sensing, {sizes} (preset {preset}). "
        "Claim: a law of large random matrices predicts it from the cores and the sizes alone. Markers, bars "
        f"(measurement): median and {summaries.BAND} of the squared cosine between start and truth, averaged over the "
        "principal angles of U and V, shifted a little sideways. Lines (prediction): the law at the cores of the same "
        "draws, their median; below a threshold it is 0, where a finite size keeps a little. Seen: "
        f"{_deviation(rows)}. {runs.capitalize()} per point. No step is taken: the status is MAX_STEPS. "
        f"{summaries.failures(rows)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("start_overlap", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

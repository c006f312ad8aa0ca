"""CoLA's strategies, LoRA and CoLoRA: error against the samples and against the noise."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.experiments.claims.estimates import paired
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.style import SIGMA

SWEEP = "collaborative"
_LABELS = {
    "lora": "LoRA",
    "lora_wide": "LoRA, as many numbers",
    "cola_full": "CoLA, full",
    "cola_heuristic": "CoLA, heuristic",
    "cola_random": "CoLA, random",
    "cola_disturbed": "CoLA, heuristic, disturbed",
    "colora": "CoLoRA",
}
_LOOKS = {
    "lora": style.Look(style.BLUE, "o", "-"),
    "lora_wide": style.Look(style.ORANGE, "^", "-"),
    "cola_full": style.Look(style.BLACK, "X", "-"),
    "cola_heuristic": style.Look(style.GREY, "v", "-"),
    "cola_random": style.Look(style.GREEN, "P", "-"),
    "cola_disturbed": style.Look(style.VERMILLION, "D", "-"),
    "colora": style.Look(style.BLUE, "s", "-"),
}
# Markers that would cover each other stand side by side.
_SPREAD = 1.06
# Errors beyond are no estimates any more, and drawn here.
_MOST = 3.0


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    figure = style.new_figure(3.4)
    panels = figure.subplots(1, 3, sharey=True)
    if table.empty:
        return figure, comparison.nothing(list(panels), "rows")
    told = table.assign(asked=table["oversampling"].round(1), shown=table["relative_error"].clip(upper=_MOST))
    least = told["noise"].min()
    levels = sorted(told["level"].unique())
    for axes, letter, level in zip(panels[:2], "ab", [levels[0], levels[-1]], strict=True):
        _draw(axes, told[(told["level"] == level) & (told["noise"] == least)], "asked")
        axes.set_xlabel("measurements per unknown $N$ / DoF")
        style.title(axes, letter, f"similarity {level:g}, {SIGMA} = {least:g}")
    noisy = told[told["level"] == levels[-1]]
    several = noisy.groupby("num_samples")["noise"].nunique()
    samples = int(several.idxmax())
    _draw(panels[2], noisy[noisy["num_samples"] == samples], "noise")
    panels[2].set_xlabel(f"noise {SIGMA} over the signal")
    style.title(panels[2], "c", f"similarity {levels[-1]:g}, $n$ = {samples}")
    panels[0].set_ylabel("relative error")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure, _caption(told, preset)


def _draw(axes: Axes, rows: pd.DataFrame, axis: str) -> None:
    methods = [name for name in _LABELS if name in set(rows["method"])]
    for place, method in enumerate(methods):
        shift = _SPREAD ** (place - (len(methods) - 1) / 2)
        of = rows[rows["method"] == method]
        comparison.measured(axes, of, axis, "shown", _LOOKS[method], label=_LABELS[method], shift=shift)
    style.plain_log(axes, "x", sorted(set(rows[axis])))
    style.plain_log(axes, "y")


def _caption(table: pd.DataFrame, preset: str) -> str:
    sizes = comparison.sizes(table)
    ratios = "; ".join(
        f"{_LABELS[name]} {comparison.in_words(found)}"
        for name in _LABELS
        if name != "lora" and not (found := paired(table, name, "lora", "relative_error")["quotient"]).empty
    )
    return (
        "Several A and B in one adapter: cores of the given similarity in shared subspaces of rank 2, dense sensing, "
        f"{sizes} (preset {preset}). LoRA and CoLA (three A, three B) train one adapter for all users by gradient "
        "descent from the principal factors of the mean moment, in equal shares, with equal steps; CoLoRA fits "
        "personal cores. Claim: trained long, CoLA's strategies err as one LoRA of their rank, unless a disturbance of "
        "the start frees the groups: then they err like a LoRA of as many trained numbers, and more; personal cores "
        f"err less once the data determine them. Markers and bars: median and {summaries.BAND}, errors above {_MOST:g} "
        f"drawn there. Relative error over that of LoRA: {ratios}. "
        f"{summaries.runs_per_point(table, ['asked', 'level', 'noise', 'method']).capitalize()} per point. Training "
        f"takes a given number of steps, and ends as MAX_STEPS. {summaries.failures(table)}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("collaborative", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

"""What a federation would send, and what becomes of it where not everybody answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.experiments.claims.communication import megabytes_to_success, steps_to_success
from colora_theory.figures import comparison, script, style, summaries
from colora_theory.figures.convergence import curve
from colora_theory.figures.shapes import Shape, by_shape

SWEEP = "communication"
SENDING = {
    "variable_projection": "variable projection",
    "alternating": "alternating minimization",
    "altgdmin": "AltGDmin",
    "gradient_descent": "gradient descent",
    "average_factors": "averaged factors",
    "average_products": "averaged products",
}
ATTENDED = {
    "alternating_half": "alternating, half",
    "alternating_fifth": "alternating, a fifth",
    "alternating_late": "alternating, late",
    "altgdmin_half": "AltGDmin, half",
    "altgdmin_fifth": "AltGDmin, a fifth",
    "altgdmin_late": "AltGDmin, late",
}
_DASH, _DOT = (0, (5, 1.5)), (0, (1, 1.2))
LOOKS: Mapping[str, style.Look] = {
    **style.LOOKS,
    "average_factors": style.Look(style.GREEN, "P", "-"),
    "average_products": style.Look(style.GREY, "X", _DASH),
    "alternating_half": style.Look(style.BLUE, "o", "-"),
    "alternating_fifth": style.Look(style.BLUE, "v", _DASH),
    "alternating_late": style.Look(style.BLUE, "D", _DOT),
    "altgdmin_half": style.Look(style.VERMILLION, "s", "-"),
    "altgdmin_fifth": style.Look(style.VERMILLION, "^", _DASH),
    "altgdmin_late": style.Look(style.VERMILLION, "X", _DOT),
}


def draw(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """The figure and its caption."""
    table = table[table["relative_error_trace"].notna()]
    figure = style.new_figure(3.2)
    left, right = figure.subplots(1, 2, sharey=True)
    shapes = by_shape(table)
    if not shapes:
        return figure, comparison.nothing([left, right], "traces")
    (shape, rows), *_ = shapes.items()
    amount = float(rows["oversampling"].value_counts().index[0])
    rows = rows[rows["oversampling"] == amount]
    sent = rows[rows["megabytes_trace"].notna()]
    _draw(left, sent, SENDING, over_megabytes=True)
    _draw(right, rows, ATTENDED, over_megabytes=False)
    style.title(left, "a", "everybody answers")
    style.title(right, "b", "not everybody answers in time")
    left.set_ylabel("relative error")
    left.set_yscale("log")
    return figure, _caption(rows, preset, shape, amount)


def _draw(axes: Axes, rows: pd.DataFrame, methods: Mapping[str, str], *, over_megabytes: bool) -> None:
    """Median and band of the error over what was sent by then, or over the steps."""
    there = {method: of for method in methods if not (of := rows[rows["method"] == method]).empty}
    if not there:
        style.nothing_to_show(axes, "megabytes" if over_megabytes else "rounds with absent users")
        return
    for method, of in there.items():
        shown = curve(of)
        where = _middle(of["megabytes_trace"]) if over_megabytes else shown.steps.astype(float)
        last = max(shown.end, 1)
        axes.fill_between(where, shown.low, shown.high, color=LOOKS[method].color, alpha=0.15, linewidth=0)
        marks = np.unique(np.linspace(0, last, 6).astype(int))[1:].tolist()
        axes.plot(
            where[: last + 1], shown.median[: last + 1], label=methods[method], markevery=marks, **LOOKS[method].line
        )
    if over_megabytes:
        axes.set_xscale("log")
    axes.set_xlabel("megabytes, all users, up and down" if over_megabytes else "steps")
    place: dict[str, Any] = {"loc": "lower left", "borderaxespad": 0, "handlelength": 2.4, "columnspacing": 1.0}
    axes.legend(ncols=2, bbox_to_anchor=(0.0, 1.12), **place)


def _middle(traces: "pd.Series[Any]") -> np.ndarray:
    """The median over the runs of what was sent by each step; a run that has ended sends nothing more."""
    sent = [np.asarray(trace, float) for trace in traces]
    length = max(trace.size for trace in sent)
    return np.asarray(np.median([np.pad(trace, (0, length - trace.size), mode="edge") for trace in sent], axis=0))


def _caption(rows: pd.DataFrame, preset: str, shape: Shape, amount: float) -> str:
    sent = {
        SENDING[str(method)]: np.median(
            [
                megabytes_to_success(*pair)
                for pair in zip(of["relative_error_trace"], of["megabytes_trace"], strict=True)
            ]
        )
        for method, of in rows[rows["megabytes_trace"].notna()].groupby("method", sort=False)
        if method in SENDING
    }
    steps = {
        ATTENDED[str(method)]: np.median([steps_to_success(trace) for trace in of["relative_error_trace"]])
        for method, of in rows.groupby("method", sort=False)
        if method in ATTENDED
    }
    return (
        f"What a federation sends, noiseless dense sensing, {shape.label}, k = "
        f"{comparison.listed(rows, 'num_users')}, similarity {comparison.listed(rows, 'similarity')}, N/DoF = "
        f"{amount:.3g}, stacked start (preset {preset}). Claim: gradients of the shared subspaces cost fewer bytes "
        "than normal equations, which cost fewer rounds; averaged adapters end at the spread of the users; half of the "
        "users are enough. (a) Error against what all users have sent and received by then, float64, the start "
        "included: counted, not sent. Averaged adapters: ten gradient steps of each user a round. (b) Simulated "
        "rounds: in each, half or a fifth of the users answer, or 0.7 of them, 0.3 of these late; drawn "
        f"anew for every user. Lines: median of the runs, shaded: {summaries.BAND}; "
        f"{summaries.runs_per_point(rows, ['num_samples', 'method'])} per curve. The median falls below 1e-6 after: "
        f"{_told(sent, 'MB')}; {_told(steps, 'steps')}. {summaries.failures(rows)} "
        "Averaged and simulated rounds have a fixed number."
    )


def _told(values: Mapping[str, Any], unit: str) -> str:
    reached = [f"{label} {value:.3g} {unit}" for label, value in values.items() if np.isfinite(value)]
    return ", ".join(reached) if reached else f"none ({unit})"


def main(argv: Sequence[str] | None = None) -> None:
    """Draw the figure from a stored table."""
    script.run("communication", SWEEP, draw, argv)


if __name__ == "__main__":
    main()

"""How many samples a user needs, against the number of users and against the target: the three limits of a plan."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import style

_LOOKS = {
    "counting": style.Look(style.BLACK, "D", (0, (1, 1.2))),
    "start": style.Look(style.BLUE, "o", "-"),
    "noise": style.Look(style.VERMILLION, "s", (0, (5, 1.5))),
}
_LABELS = {"counting": "counting, DoF$/k$", "start": "start", "noise": "noise"}


def draw(curves: Mapping[str, Any]) -> Figure:
    """The figure of a plan.

    Args:
        curves: `users` and `targets`, each a pair of the values along the axis and the needs by name there (one number
            for each value); `num_users`, `target` and `num_samples`, where the plan stands.
    """
    with style.paper_style():
        figure = style.new_figure(2.7)
        left, right = figure.subplots(1, 2, sharey=True)
        _needs(left, *curves["users"])
        _needs(right, *curves["targets"])
        for axes, place in ((left, curves["num_users"]), (right, curves["target"])):
            axes.plot(
                [place], [curves["num_samples"]], marker="*", markersize=11, color=style.ORANGE,
                markeredgecolor=style.BLACK, linestyle="none", label="this plan", zorder=5,
            )  # fmt: skip
        style.title(left, "a", f"target {curves['target']:g}")
        style.title(right, "b", f"{curves['num_users']} users")
        left.set(xlabel="users $k$", ylabel="samples per user $n$")
        right.set(xlabel="target, relative error")
        style.plain_log(left, "x")
        style.plain_log(left, "y")
        style.plain_log(right, "x")
        right.invert_xaxis()
        handles, labels = left.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _needs(axes: Axes, places: np.ndarray, needs: Mapping[str, np.ndarray]) -> None:
    """A line for each need, and the recommendation, the largest of them, as the edge of what is not enough."""
    highest = np.max(list(needs.values()), axis=0)
    axes.fill_between(places, np.min(list(needs.values()), axis=0), highest, color=style.GREY, alpha=0.18, linewidth=0)
    for name, samples in needs.items():
        axes.plot(places, samples, label=_LABELS[name], markersize=3.5, **_LOOKS[name].line)

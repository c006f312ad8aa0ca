"""How well every user of a fit is determined, and how strong the shared directions are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import style

# Users whose names stand under the axis; more would not be readable.
_NAMED = 16


def draw(summary: Mapping[str, Any]) -> Figure:
    """The figure of a fit.

    Args:
        summary: as `colora fit --json` prints it.
    """
    users = summary["users"]
    with style.paper_style():
        figure = style.new_figure(4.2)
        panels = figure.subplot_mosaic("aac;bbc", width_ratios=[1, 1, 1.1])
        _errors(panels["a"], users)
        _samples(panels["b"], users, summary["degrees_of_freedom"] / len(users))
        _strengths(panels["c"], summary["core_singular_values"])
    return figure


def _errors(axes: Axes, users: list[dict[str, Any]]) -> None:
    known = [place for place, user in enumerate(users) if user["estimated_relative_error"] is not None]
    style.title(axes, "a", "estimated relative error of $W_i$")
    if not known:
        axes.text(
            0.5, 0.5, "not known, see the notes", transform=axes.transAxes, ha="center", va="center", color=style.GREY
        )
        axes.set_yticks([])
    else:
        errors = np.array([users[place]["estimated_relative_error"] for place in known])
        lower, upper = (
            np.array([users[place]["estimated_relative_error"] if (value := users[place][name]) is None else value
                      for place in known])
            for name in ("relative_error_lower", "relative_error_upper")
        )  # fmt: skip
        bars = np.array([errors - lower, upper - errors])
        axes.errorbar(known, errors, yerr=bars, fmt="o", color=style.BLUE, markersize=4, capsize=2)
        axes.set_ylim(bottom=0)
    _name_users(axes, len(users), [])


def _samples(axes: Axes, users: list[dict[str, Any]], per_user: float) -> None:
    axes.bar(range(len(users)), [user["samples"] for user in users], color=style.GREY, width=0.7)
    axes.axhline(per_user, color=style.BLACK, linestyle=(0, (1, 1.2)), linewidth=1.2)
    axes.annotate(
        "DoF$/k$", (1.0, per_user), xycoords=("axes fraction", "data"), xytext=(-2, 2), textcoords="offset points",
        ha="right", va="bottom", fontsize=7, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8},
    )  # fmt: skip
    style.title(axes, "b", "measurements")
    _name_users(axes, len(users), [user["user"] for user in users])
    axes.set_xlabel("user")


def _name_users(axes: Axes, count: int, names: list[str]) -> None:
    axes.grid(visible=False, axis="x")
    axes.set_xlim(-0.7, count - 0.3)
    if not names:
        axes.set_xticks([])
    elif len(names) <= _NAMED:
        # A dollar sign would begin a formula.
        short = [(name if len(name) <= 10 else f"{name[:9]}…").replace("$", r"\$") for name in names]
        axes.set_xticks(range(len(names)), short, rotation=0 if max(map(len, short)) <= 3 else 60)


def _strengths(axes: Axes, values: Mapping[str, list[float]]) -> None:
    for name, look, label in (
        ("left", style.Look(style.BLUE, "o", "-"), "$[C_1 .. C_k]$, $U$"),
        ("right", style.Look(style.VERMILLION, "s", (0, (5, 1.5))), "stacked, $V$"),
    ):
        strengths = np.array(values[name])
        axes.plot(np.arange(1, len(strengths) + 1), strengths, label=label, **look.line)
    axes.set_ylim(bottom=0)
    axes.set_xticks(range(1, 1 + max(map(len, values.values()))))
    style.title(axes, "c", "singular values of the cores")
    axes.set_xlabel("direction")
    axes.legend(loc="best")

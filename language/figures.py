"""The figures of the language experiment: scores against words, and gains against what was known before training."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colora_theory.figures import script, style, summaries
from colora_theory.figures.style import Look
from colora_theory.language.claims import DRAWN, gains, predicted_gains
from colora_theory.language.methods import METHODS
from colora_theory.language.sweep import FIRST_USERS, GRADED, NUM_TESTS
from colora_theory.language.tasks import GROUPS

_SHOWN: Mapping[str, Look] = {
    "colora": Look(style.BLUE, "o", "-"),
    "alone": Look(style.VERMILLION, "s", (0, (5, 1.5))),
    "heads": Look(style.GREY, "D", (0, (5, 1.5))),
    "heads_together": Look(style.BLACK, "P", "-"),
}
_LOOKS_OF_GROUPS: Mapping[str, Look] = {
    "similar": Look(style.BLUE, "o", "-"),
    "mixed": Look(style.ORANGE, "^", "-"),
    "dissimilar": Look(style.VERMILLION, "s", "-"),
    GRADED: Look(style.BLACK, "D", "-"),
}
_TITLES: Mapping[str, str] = {group: f"{group} categories" for group in GROUPS} | {GRADED: "graded sentiment"}
_USERS, _FEW = 8, 20
_ERROR = f"Bars: two standard errors; scores on {NUM_TESTS} held-out words of each user, half of them of its task."


def scores(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """Accuracy against the labelled words of a user, group by group; and its caption."""
    figure = style.new_figure(2.9)
    groups = [group for group in _TITLES if group in set(table["group"])]
    users = summaries.widest(table, "num_users", "num_samples")
    rows = table[table["num_users"] == users]
    panels = np.atleast_1d(figure.subplots(1, len(groups), sharey=True))
    for axes, letter, group in zip(panels, "abcd", groups, strict=False):
        of_group = rows[rows["group"] == group]
        for place, (method, look) in enumerate(_SHOWN.items()):
            of = of_group[of_group["method"] == method]
            _with_bars(axes, of, "num_samples", "accuracy", look, METHODS[method].title, 1.03 ** (place - 1.5))
        style.plain_log(axes, "x", sorted(set(rows["num_samples"])))
        axes.set_xlabel("labelled words of a user $n$")
        told = of_group.groupby("seed")["similarity"].first().mean()
        style.title(axes, letter, f"{_TITLES[group]}, {told:.2f}")
    panels[0].set_ylabel("accuracy on held-out words")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(_SHOWN))
    return figure, (
        f"Users of one pre-trained encoder, each with one task and few labelled words ({users} users, preset {preset}, "
        f"{_runs(rows)} a point). In the titles the mean cosine between the users' tasks, "
        f"measured before training. {_ERROR}"
    )


def gained(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """What collaboration gains, against similarity, number of users and the prediction; and its caption."""
    figure = style.new_figure(2.7)
    near, more, told = figure.subplots(1, 3)
    found = gains(table, "colora", "alone")
    few = found[found["num_samples"] == _FEW]
    standard = few[few["num_users"] == _USERS]
    _points(near, standard, "similarity", "gain")
    near.set_xlabel("similarity of the tasks, before training")
    near.set_ylabel("gain of CoLoRA over alone")
    style.title(near, "a", f"$k$ = {_USERS}, $n$ = {_FEW}")
    first = gains(table, "colora", "alone", "accuracy_first")
    first = first[first["num_samples"] == _FEW]
    for group, look in _LOOKS_OF_GROUPS.items():
        of = first[first["group"] == group]
        if of["num_users"].nunique() > 1:
            _with_bars(more, of, "num_users", "gain", look, _TITLES[group])
    style.plain_log(more, "x", sorted(set(first["num_users"])))
    more.set_xlabel("users $k$")
    style.title(more, "b", f"first {FIRST_USERS} users, $n$ = {_FEW}")
    both = predicted_gains(table).merge(standard, on=DRAWN, suffixes=("_told", ""))
    _points(told, both[np.isfinite(both["gain_told"])], "gain_told", "gain")
    told.set_xlabel("predicted gain, log of errors' ratio")
    style.title(told, "c", "linear theory's order")
    for axes in (near, more, told):
        axes.axhline(0.0, color=style.GREY, linewidth=0.6, zorder=0)
    handles, labels = near.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(_LOOKS_OF_GROUPS))
    return figure, (
        "Accuracy of CoLoRA less that of a LoRA for each user alone, on the same words "
        f"(preset {preset}, {_runs(table)} a point). (a) and (c): a pale marker is one draw of tasks and words, a full "
        "one the mean of a group. (c): against what theory expects of linear weights on frozen features, shared "
        f"against alone, for Gaussian features. {_ERROR}"
    )


def ways(table: pd.DataFrame, preset: str) -> tuple[Figure, str]:
    """Every way to share beside each other, at one number of words; and its caption."""
    rows = table[(table["num_users"] == _USERS) & (table["num_samples"] == _FEW)]
    methods = [name for name in METHODS if name in set(rows["method"])]
    figure = style.new_figure(0.8 + 0.22 * len(methods))
    groups = [group for group in _TITLES if group in set(rows["group"])]
    panels = np.atleast_1d(figure.subplots(1, max(1, len(groups)), sharey=True, sharex=True))
    for axes, letter, group in zip(panels, "abcd", groups, strict=False):
        for place, method in enumerate(reversed(methods)):
            found = gains(rows[rows["group"] == group], method, "heads")
            mean, error = summaries.mean_and_error(found["gain"])
            line = _LOOKS_OF_GROUPS[group].line | {"linestyle": ""}
            axes.errorbar([mean], [place], xerr=[2 * error], elinewidth=0.6, **line)
        axes.axvline(0.0, color=style.GREY, linewidth=0.6, zorder=0)
        axes.set_xlabel("gain in accuracy")
        style.title(axes, letter, _TITLES[group])
    panels[0].set_yticks(range(len(methods)), [METHODS[method].title for method in reversed(methods)])
    counts = ", ".join(
        f"{METHODS[method].title} {int(of['trained_numbers'].iloc[0]):,}"
        for method in methods
        if not (of := rows[rows["method"] == method]).empty
    )
    return figure, (
        "Accuracy less that of a readout of each user on the frozen encoder, same words: every way to share, "
        f"{_USERS} users with {_FEW} labelled words each (preset {preset}, {_runs(rows)} a point). "
        f"Trained numbers: {counts}. {_ERROR}"
    )


FIGURES: Mapping[str, script.Draw] = {
    "language_scores": scores,
    "language_gains": gained,
    "language_ways": ways,
}


def _runs(rows: pd.DataFrame) -> str:
    return summaries.runs_per_point(rows, ["group", "num_users", "num_samples", "method"])


def _with_bars(
    axes: Axes, rows: pd.DataFrame, axis: str, column: str, look: Look, label: str, shift: float = 1.0
) -> None:
    points: Sequence[tuple[float, float, float]] = [
        (at * shift, *summaries.mean_and_error(rows.loc[rows[axis] == at, column])) for at in sorted(set(rows[axis]))
    ]
    if points:
        at, means, errors = np.array(points).T
        axes.errorbar(at, means, 2 * errors, elinewidth=0.6, label=label, **look.line)


def _points(axes: Axes, rows: pd.DataFrame, axis: str, column: str) -> None:
    for group, look in _LOOKS_OF_GROUPS.items():
        of = rows[rows["group"] == group]
        if of.empty:
            continue
        line = look.line | {"linestyle": ""}
        axes.plot(of[axis], of[column], alpha=0.35, markersize=3, **line)
        mean, error = summaries.mean_and_error(of[column])
        at = of[axis].mean()
        axes.errorbar([at], [mean], [2 * error], elinewidth=0.6, markersize=6, label=_TITLES[group], **line)

"""Ranks as they are written on a command line, and chosen from own data."""

import re
from typing import Any

from colora_theory.experiments.errors import ConfigError, shown
from colora_theory.experiments.own_data import UserData
from colora_theory.selection import AbstractSamples, OutputSamples, ProblemSamples, RankSelection, select_rank

AUTO = "auto"


def parse_rank(text: str) -> tuple[int, int]:
    """(r1, r2) of r, or of r1,r2.

    Raises:
        ConfigError: for anything else.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise ConfigError(f"rank {shown(text)} is neither an integer nor two with a comma between")
    return int(parts[0]), int(parts[-1])


def asked_rank(text: str, rank_right: int | None = None) -> tuple[int, int] | None:
    """What was asked for: (r1, r2), or None for "auto".

    Args:
        text: "auto", r, r1,r2, or r1 if r2 is given apart.
        rank_right: r2, if it is given apart.

    Raises:
        ConfigError: for anything else, or a second r2.
    """
    if rank_right is not None:
        if not text.strip().isdecimal():
            raise ConfigError(f"rank {shown(text)} beside --rank-right {rank_right}: one integer is needed, r1")
        return parse_rank(text)[0], rank_right
    return None if text.strip().lower() == AUTO else parse_rank(text)


def samples_of_data(data: UserData) -> AbstractSamples:
    """Own data, as samples that can be held out.

    Raises:
        ConfigError: for bad data, streamed ones, and measurements that are all one number.
    """
    values = list(data.arrays.values())[-1]
    first = next((each.flat[0] for each in values if each.size), 0.0)
    if all((each == first).all() for each in values):
        raise ConfigError(
            f"{data.source}: all measurements are {first:g}, and constants tell nothing: is it the right array or "
            "column?"
        )
    problem = data.problem()
    try:
        if data.kind == "vector-output":
            return OutputSamples(data.arrays["X"], data.arrays["Y"], offset=data.offset)
        return ProblemSamples(problem)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{data.source}: {error}") from None


def choose_rank(data: UserData, folds: int = 5) -> RankSelection:
    """The rank that the data support, see `selection.select_rank`.

    Raises:
        ConfigError: for data from which it cannot be chosen.
    """
    samples = samples_of_data(data)
    try:
        return select_rank(samples, folds=folds)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{data.source}: {named(str(error), data)}; or give a rank: --rank R") from None


def selection_summary(selection: RankSelection) -> dict[str, Any]:
    """How a rank was chosen, as plain values for JSON."""
    return {
        "rank": list(selection.rank),
        "sure": selection.sure,
        "doubts": list(selection.doubts),
        "by_criterion": list(selection.by_criterion),
        "by_validation": list(selection.by_validation),
        "folds": selection.folds,
        "candidates": [
            {
                "rank": list(each.rank),
                "degrees_of_freedom": each.unknowns,
                "criterion": each.criterion,
                "held_out_error": each.error,
                "standard_error": each.standard_error,
            }
            for each in selection.candidates
        ],
    }


def named(message: str, data: UserData) -> str:
    """The message, with the users' own names where the library counts them."""
    if data.users == tuple(map(str, range(len(data.users)))):
        return message
    return re.sub(
        r"\buser (\d+)\b",
        lambda found: f"user {data.users[int(found[1])]}" if int(found[1]) < len(data.users) else found[0],
        message,
    )

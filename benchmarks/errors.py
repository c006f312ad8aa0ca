"""The errors a user can meet, each in one line."""

from collections.abc import Iterable, Sequence


class BenchError(Exception):
    """Something the user can mend; the message is one line and names the remedy."""


class NotPossibleError(Exception):
    """A method cannot be run on this problem at all; the message says why."""


def check_names(kind: str, names: Sequence[str], known: Iterable[str]) -> set[str]:
    """The names as a set, "all" standing for all known ones.

    Raises:
        BenchError: for a name that is not known, or none at all.
    """
    known = list(known)
    unknown = [name for name in names if name not in (*known, "all")]
    if unknown or not names:
        raise BenchError(
            f"unknown {kind} {', '.join(map(repr, unknown)) or chr(39) * 2}; known: {', '.join(known)}, all"
        )
    return set(known) if "all" in names else set(names)

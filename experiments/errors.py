"""The errors a user can meet, each with its exit code."""

import difflib
from collections.abc import Iterable


class ColoraError(Exception):
    """Something the user can mend; the message is one or two lines and names the remedy."""

    exit_code = 1


class ConfigError(ColoraError, ValueError):
    """A sweep, preset, grid or file that does not say what to run."""

    exit_code = 2


class StoreError(ColoraError):
    """A results folder that cannot be read or written."""

    exit_code = 3


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is not a `kind`, with the nearest known name, or with all of them if none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"unknown {kind} {name!r}; {remedy}"

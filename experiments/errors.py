"""The errors a user can meet, each with its exit code."""

import difflib
import reprlib
from collections.abc import Iterable
from typing import Any


class ColoraError(Exception):
    """Something the user can mend; the message is one or two lines and names the remedy."""

    exit_code = 1


class ConfigError(ColoraError, ValueError):
    """A sweep, preset, grid or file that does not say what to run."""

    exit_code = 2


class StoreError(ColoraError):
    """A results folder that cannot be read or written."""

    exit_code = 3


class _Short(reprlib.Repr):
    """Writes values of any size and depth in few characters."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_int(self, x: int, level: int) -> str:
        # Python writes no decimal number of thousands of digits, and nobody reads one of hundreds.
        return repr(x) if x.bit_length() <= 128 else f"an integer of {x.bit_length()} bits"


_SHORT = _Short()
_LONGEST = 160


def shown(value: Any) -> str:
    """A value from a user's file or command line as it is written in a message: on one line, and not at length."""
    text = _SHORT.repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is not a `kind`, with the nearest known name, or with all of them if none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name[:100].lower(), known, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"unknown {kind} {shown(name)}; {remedy}"

"""What a command says beside its results: on standard error."""

import shlex
import sys
from pathlib import Path

from rich.console import Console

INTERRUPTED = "interrupted; what is finished is kept, to go on run the same command again:\n"


def stderr() -> Console:
    """The console of messages."""
    return Console(stderr=True)


def say(message: str) -> None:
    """A line that is no result."""
    stderr().print(message, highlight=False, markup=False, soft_wrap=True)


def fail(message: str, debug: bool) -> None:
    """What went wrong, with the traceback only if asked for."""
    if debug:
        stderr().print_exception()
    stderr().print(message, style="red", highlight=False, markup=False, soft_wrap=True)


def again() -> str:
    """The command line as it was given."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])

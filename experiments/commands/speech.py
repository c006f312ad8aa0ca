"""How a command speaks: messages on standard error, results for programs on standard output."""

import shlex
import sys
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from colora_theory.experiments.documents import as_json

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


def print_json(value: Any) -> None:
    """The result of a command for programs, on standard output; what is no number is null."""
    typer.echo(as_json(value))


def again() -> str:
    """The command line as it was given."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])

"""The `colora` command. Its commands parse, call and print; heavy imports wait until they are needed."""

import io
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from colora_theory.experiments.commands import (
    comparing,
    language,
    own_data,
    planning,
    report,
    results,
    sweeping,
    watching,
)
from colora_theory.experiments.commands.speech import INTERRUPTED, again, fail
from colora_theory.experiments.errors import ColoraError

EPILOG = (
    "Exit codes: 0 all went well; 1 trouble, or a claim that fails; "
    "2 bad input (an unknown name, a wrong grid); 3 the results folder cannot be read or written; "
    "130 interrupted (what is finished is kept)."
)


class _Group(TyperGroup):
    """Turns errors into one or two lines and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        debug = ctx.params.get("debug", False)
        for stream in (sys.stdout, sys.stderr):
            # Names of files need not be text; what is not is shown by its bytes.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail(INTERRUPTED + again(), debug)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # Who reads has seen enough; what is still buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except ColoraError as error:
            fail(f"error: {error}", debug)
            raise typer.Exit(error.exit_code) from error
        except Exception as error:
            if isinstance(error, OSError) and error.filename is not None:
                fail(f"error: cannot use {error.filename}: {error.strerror}", debug)
                raise typer.Exit(3) from error
            # Typer's own exceptions carry an exit code and know how to show themselves.
            if hasattr(error, "exit_code") or isinstance(error, typer.Abort):
                raise
            fail(f"unexpected {type(error).__name__}: {error}\ncolora --debug COMMAND shows the traceback", debug)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Group,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from colora_theory.experiments.provenance import package_version

        typer.echo(package_version())
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Sweeps and figures for the theory of collaborative low-rank adaptation (CoLoRA)."""


# Each with lines that show its use.
_COMMANDS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "list": (sweeping.list_sweeps, ("colora list", "colora list --json")),
    "run": (
        sweeping.run,
        ("colora run sample_complexity --preset smoke", "colora run noise --workers 2", "colora run noise --shard 1/4"),
    ),
    "sweep": (sweeping.sweep, ("colora sweep experiments/example.toml", "colora sweep mine.toml --results mine")),
    "status": (watching.status, ("colora status", "colora status noise --watch")),
    "figures": (results.figures, ("colora figures", "colora figures noise --out pictures")),
    "verify": (results.verify, ("colora verify", "colora verify --list", "colora verify --preset smoke --json")),
    "report": (report.report, ("colora report --out report.html",)),
    "reproduce": (sweeping.reproduce, ("colora reproduce --preset smoke", "colora reproduce --workers 2")),
    "plan": (
        planning.plan,
        (
            "colora plan --users 30 --rows 20 --cols 20 --rank 2 --target 0.05 --noise 0.1",
            "colora plan --users 30 --rows 20 --cols 20 --rank 2 --target 0.05 --noise 0.1 --picture plan.png",
        ),
    ),
    "language": (language.language, ("colora language --preset smoke",)),
    "fit": (own_data.fit, ("colora fit data.npz --rank 2", "colora fit table.csv --rank auto --out fitted")),
    "compare": (comparing.compare, ("colora compare data.npz", "colora compare data.npz --rank 2,3 --json")),
    "example": (own_data.example, ("colora example trial",)),
}
for _name, (_command, _examples) in _COMMANDS.items():
    # A line each: between paragraphs only are ends of lines kept.
    app.command(_name, epilog="\n\n".join(("Examples:", *_examples)))(_command)


def main() -> None:
    """Entry point."""
    app(prog_name="colora")

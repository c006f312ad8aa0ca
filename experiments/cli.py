"""The `colora` command. Its commands parse, call and print; heavy imports wait until they are needed."""

import io
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from colora_theory.experiments.commands import comparing, own_data, planning, report, results, sweeping, watching
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
    add_completion=False,
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


_COMMANDS: dict[str, Callable[..., None]] = {
    "list": sweeping.list_sweeps,
    "run": sweeping.run,
    "sweep": sweeping.sweep,
    "status": watching.status,
    "figures": results.figures,
    "verify": results.verify,
    "report": report.report,
    "reproduce": sweeping.reproduce,
    "plan": planning.plan,
    "fit": own_data.fit,
    "compare": comparing.compare,
    "example": own_data.example,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Entry point."""
    app(prog_name="colora")

"""The `colora` command. Commands parse, call and print; heavy imports wait until they are needed."""

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from colora_theory.experiments.errors import ColoraError

if TYPE_CHECKING:
    from colora_theory.experiments.claims.verify import Judgement
    from colora_theory.experiments.config import SweepConfig

EPILOG = (
    "Exit codes: 0 all went well; 1 trouble, or a claim that fails; "
    "2 bad input (an unknown name, a wrong grid); 3 the results folder cannot be read or written; "
    "130 interrupted (what is finished is kept)."
)


class _Group(TyperGroup):
    """Turns errors into one or two lines and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        debug = ctx.params.get("debug", False)
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            again = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
            _fail(f"interrupted; what is finished is kept, to go on run the same command again:\n{again}", debug)
            raise typer.Exit(130) from None
        except ColoraError as error:
            _fail(f"error: {error}", debug)
            raise typer.Exit(error.exit_code) from error
        except Exception as error:
            # Typer's own exceptions carry an exit code and know how to show themselves.
            if hasattr(error, "exit_code") or isinstance(error, typer.Abort):
                raise
            _fail(f"unexpected {type(error).__name__}: {error}\ncolora --debug COMMAND shows the traceback", debug)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Group,
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

Preset = Annotated[str, typer.Option("--preset", help="smoke (seconds), cpu (minutes) or full (a GPU or a cluster).")]
Results = Annotated[Path, typer.Option("--results", help="Folder of the result tables.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of the figures.")]
RESULTS = Path("results")
OUT = Path("figures/out")


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


@app.command("list")
def list_sweeps() -> None:
    """Show the sweeps: what each claims, what would refute it, how many cells each preset has."""
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.sweeps import SWEEPS

    console = Console()
    for sweep in SWEEPS.values():
        cells = {name: make_plan(sweep.config(name), name).num_cells for name in sweep.presets}
        console.print(f"[bold]{sweep.name}[/bold]", highlight=False)
        console.print(f"  claim: {escape(sweep.claim)}", highlight=False)
        console.print(f"  refuted if: {escape(sweep.refuted_if)}", highlight=False)
        presets = ", ".join(f"{name} {number:,} cells" for name, number in cells.items())
        console.print(f"  presets: {presets}\n", highlight=False)


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="A sweep, see: colora list")],
    preset: Preset = "cpu",
    results: Results = RESULTS,
) -> None:
    """Run one sweep, or go on with it where it was stopped."""
    from colora_theory.experiments.sweeps import find_sweep

    _run(find_sweep(name).config(preset), preset, results)


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(help="A TOML file with your own grids, like experiments/example.toml")],
    results: Results = RESULTS,
) -> None:
    """Run a sweep of your own."""
    from colora_theory.experiments.config import load_config

    _run(load_config(file), "custom", results)


@app.command()
def status(results: Results = RESULTS) -> None:
    """Show how far every sweep is, and how its runs ended."""
    from colora_theory.experiments.status import survey
    from colora_theory.experiments.store import Store

    table = Table("sweep", "preset", "cells done", "ended as", "set aside")
    damaged: list[Path] = []
    for standing in survey(Store(results)):
        statuses = ", ".join(f"{status} {number}" for status, number in sorted(standing.statuses.items()))
        done = f"{standing.done} / {standing.total}"
        table.add_row(standing.sweep, standing.preset, done, statuses, str(standing.quarantined))
        damaged.extend(standing.damaged)
    console = Console()
    if table.row_count:
        console.print(table)
    else:
        console.print(f"no results in {results} yet; to make some: colora run NAME --preset smoke", highlight=False)
    for path in damaged:
        console.print(f"damaged or foreign, the next run will set it aside: {path}", highlight=False, soft_wrap=True)


@app.command()
def figures(
    names: Annotated[list[str] | None, typer.Argument(help="Figures; all of them if none is named.")] = None,
    preset: Preset = "cpu",
    results: Results = RESULTS,
    out: Out = OUT,
) -> None:
    """Draw figures from stored tables."""
    _draw(names or [], preset, results, out)


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Claims; all of them if none is named.")] = None,
    preset: Preset = "cpu",
    results: Results = RESULTS,
    strict: Annotated[bool, typer.Option("--strict", help="Let undecided claims fail, too.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Show the claims, judge none.")] = False,
) -> None:
    """Judge the claims by the stored tables; all verdicts are kept as verdicts-PRESET.json beside them.

    The exit code is 1 if a claim is refuted or lacks data. Verdicts on named claims only are not kept.
    """
    from colora_theory.experiments.claims.ledger import find_claims
    from colora_theory.experiments.claims.report import ledger_table
    from colora_theory.experiments.claims.verify import failures

    if list_only:
        Console().print(ledger_table(find_claims(names or [])))
        return
    failed = failures(_verify(names or [], preset, results), strict)
    if failed:
        _say(f"failed: {', '.join(judgement.claim.name for judgement in failed)}")
        raise typer.Exit(1)


@app.command()
def plan(
    num_users: Annotated[int, typer.Option("--users", help="k, users who share the subspaces.")],
    num_rows: Annotated[int, typer.Option("--rows", help="d1.")],
    num_cols: Annotated[int, typer.Option("--cols", help="d2.")],
    rank: Annotated[str, typer.Option("--rank", help="r, or r1,r2.")],
    target: Annotated[float, typer.Option("--target", help="Relative error to reach, in (0, 1).")],
    noise: Annotated[float, typer.Option("--noise", help="Standard deviation of a measurement.")] = 0.0,
    similarity: Annotated[float, typer.Option("--similarity", help="Share of the common core, in [0, 1].")] = 0.0,
    probability: Annotated[float, typer.Option("--probability", help="Share of draws that shall reach it.")] = 0.9,
) -> None:
    """How many samples a user needs, and what limits them: counting, the start, or noise.

    For cores with entries of variance one and a Gaussian design of unit variance.
    """
    from colora_theory.experiments.errors import ConfigError
    from colora_theory.experiments.planning import plan_table

    try:
        table = plan_table(num_users, num_rows, num_cols, rank, target, noise, similarity, probability)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    Console().print(table)


@app.command()
def reproduce(preset: Preset = "cpu", results: Results = RESULTS, out: Out = OUT) -> None:
    """Run every sweep, draw every figure, judge every claim; the exit code is 1 if one is refuted."""
    from colora_theory.experiments.claims.evidence import Verdict
    from colora_theory.experiments.sweeps import SWEEPS

    began = time.monotonic()
    configs = [sweep.config(preset) for sweep in SWEEPS.values()]
    _say(f"reproduce ({preset}): {len(configs)} sweeps into {results}, then all figures into {out}")
    for config in configs:
        _run(config, preset, results)
    _draw([], preset, results, out)
    refuted = [found.claim.name for found in _verify([], preset, results) if found.verdict is Verdict.REFUTED]
    _say(f"reproduce ({preset}): done in {time.monotonic() - began:.0f} s")
    if refuted:
        _say(f"refuted: {', '.join(refuted)}")
        raise typer.Exit(1)


def _run(config: "SweepConfig", preset: str, results: Path) -> None:
    from colora_theory.experiments.runtime import configure_jax

    configure_jax()
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.progress import reporter
    from colora_theory.experiments.runner import run as run_plan
    from colora_theory.experiments.store import Store

    report = run_plan(make_plan(config, preset), Store(results), reporter(_stderr()))
    ended = ", ".join(f"{status} {number}" for status, number in sorted(report.statuses.items()))
    _say(
        f"{config.name} ({preset}): {report.computed} cells computed, {report.found} found finished, "
        f"{report.seconds:.1f} s; {ended}; table {report.path}"
    )


def _draw(names: list[str], preset: str, results: Path, out: Path) -> None:
    from colora_theory.experiments.gallery import draw, select

    for name, module in select(names).items():
        began = time.monotonic()
        draw(module, preset, results, out)
        _say(f"figure {name}: drawn into {out} in {time.monotonic() - began:.1f} s")


def _verify(names: list[str], preset: str, results: Path) -> "list[Judgement]":
    """Judge claims and print the verdicts; those on all claims are stored."""
    from colora_theory.experiments.claims.ledger import find_claims
    from colora_theory.experiments.claims.report import verdict_table
    from colora_theory.experiments.claims.verify import summary, verify, write
    from colora_theory.experiments.store import Store

    judgements = verify(find_claims(names), Store(results), preset)
    Console().print(verdict_table(judgements))
    _say(f"verify ({preset}): {summary(judgements)}")
    if not names:
        _say(f"verdicts {write(judgements, Store(results), preset)}")
    return judgements


def _stderr() -> Console:
    return Console(stderr=True)


def _say(message: str) -> None:
    _stderr().print(message, highlight=False, markup=False, soft_wrap=True)


def _fail(message: str, debug: bool) -> None:
    if debug:
        _stderr().print_exception()
    _stderr().print(message, style="red", highlight=False, markup=False, soft_wrap=True)


def main() -> None:
    """Entry point."""
    app(prog_name="colora")

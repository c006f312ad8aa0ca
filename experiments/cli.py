"""The `colora` command. Commands parse, call and print; heavy imports wait until they are needed."""

import contextlib
import io
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
    from rich.console import RenderableType

    from colora_theory.experiments.claims.verify import Judgement
    from colora_theory.experiments.config import SweepConfig
    from colora_theory.experiments.engines.base import Engine
    from colora_theory.experiments.interrupts import Interrupts
    from colora_theory.experiments.shard import Shard
    from colora_theory.experiments.status import Standing, Survey

EPILOG = (
    "Exit codes: 0 all went well; 1 trouble, or a claim that fails; "
    "2 bad input (an unknown name, a wrong grid); 3 the results folder cannot be read or written; "
    "130 interrupted (what is finished is kept)."
)


_INTERRUPTED = "interrupted; what is finished is kept, to go on run the same command again:\n"


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
            _fail(_INTERRUPTED + _again(), debug)
            raise typer.Exit(130) from None
        except ColoraError as error:
            _fail(f"error: {error}", debug)
            raise typer.Exit(error.exit_code) from error
        except Exception as error:
            if isinstance(error, OSError) and error.filename is not None:
                _fail(f"error: cannot use {error.filename}: {error.strerror}", debug)
                raise typer.Exit(3) from error
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
Workers = Annotated[int | None, typer.Option("--workers", help="So many processes, which divide the cores among them.")]
Share = Annotated[
    str | None, typer.Option("--shard", help="I/N: the I-th of N shares, for runs that know nothing of each other.")
]
Dask = Annotated[str | None, typer.Option("--dask", help="Compute on the workers of the dask scheduler there.")]
_SECONDS_BETWEEN_LOOKS = 2.0
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
    workers: Workers = None,
    shard: Share = None,
    dask: Dask = None,
) -> None:
    """Run one sweep, or go on with it where it was stopped. Ctrl-C: stop soon; twice: at once."""
    from colora_theory.experiments.sweeps import find_sweep

    config = find_sweep(name).config(preset)
    with _engine(workers, dask) as engine, _interrupts() as interrupts:
        _run(config, preset, results, engine, _shard(shard), interrupts)


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(help="A TOML file with your own grids, like experiments/example.toml")],
    results: Results = RESULTS,
    workers: Workers = None,
    shard: Share = None,
    dask: Dask = None,
) -> None:
    """Run a sweep of your own."""
    from colora_theory.experiments.config import load_config
    from colora_theory.experiments.own_sweeps import PRESET, claim
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.store import Store

    config, share = load_config(file), _shard(shard)
    make_plan(config, PRESET)
    with _engine(workers, dask) as engine, _interrupts() as interrupts:
        claim(config, file, Store(results))
        _run(config, PRESET, results, engine, share, interrupts)


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(help="One sweep; all that were begun if none is named.")] = None,
    results: Results = RESULTS,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until all is done or Ctrl-C.")] = False,
) -> None:
    """Show how far every sweep is, how its runs ended, and how quickly those that run get on."""
    from colora_theory.experiments.status import Survey
    from colora_theory.experiments.store import Store

    survey, console = Survey(Store(results)), Console()
    standings = _standings(survey, name)
    if not standings:
        console.print(
            f"no results in {results} yet; to make some: colora run NAME --preset smoke", highlight=False, markup=False
        )
    elif not watch:
        console.print(_status_table(standings))
    else:
        from rich.live import Live

        with (
            Live(_status_table(standings), console=console, auto_refresh=False) as live,
            contextlib.suppress(KeyboardInterrupt),
        ):
            while any(standing.done < standing.total for standing in standings):
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                standings = _standings(survey, name)
                live.update(_status_table(standings), refresh=True)
    for path in [path for standing in standings for path in standing.damaged]:
        message = f"damaged or foreign, the next run will set it aside: {path}"
        console.print(message, highlight=False, markup=False, soft_wrap=True)


def _standings(survey: "Survey", name: str | None) -> "list[Standing]":
    from colora_theory.experiments.errors import ConfigError, unknown_name
    from colora_theory.experiments.sweeps import SWEEPS

    found = list(survey.look())
    known = {*SWEEPS, *(standing.sweep for standing in found)}
    if name is not None and name not in known:
        raise ConfigError(unknown_name("sweep", name, known))
    return [standing for standing in found if name in (None, standing.sweep)]


def _status_table(standings: "list[Standing]") -> "RenderableType":
    table = Table("sweep", "preset")
    for heading in ("cells done", "failing", "cells/s", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("ended as", "set aside"):
        table.add_column(heading)
    for standing in standings:
        table.add_row(
            escape(standing.sweep),
            standing.preset,
            f"{standing.done} / {standing.total}",
            str(standing.failing),
            "" if standing.rate is None else f"{standing.rate:.1f}",
            "" if standing.seconds_left is None else f"{standing.seconds_left:.0f} s",
            ", ".join(f"{status} {number}" for status, number in sorted(standing.statuses.items())),
            str(standing.quarantined),
        )
    return table


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
def fit(
    data: Annotated[Path, typer.Argument(help="An .npz file, a folder of .npy files, a .csv or .parquet table.")],
    rank: Annotated[int, typer.Option("--rank", help="r, or r1 if --rank-right is given.")],
    rank_right: Annotated[int | None, typer.Option("--rank-right", help="r2; r if left out.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for factors.npz and summary.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON in place of the table.")] = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Leave the matrices of a folder in their file; by default if above a quarter of the free memory.",
        ),
    ] = None,
) -> None:
    """Fit own data, and show how well every user is determined; layouts of files are in docs/own-data.md.

    The exit code is 1 if the solver stopped before the optimum. To try it: colora example FOLDER
    """
    from colora_theory.experiments.own_data import read_data
    from colora_theory.experiments.runtime import configure_jax

    found = read_data(data, stream)
    configure_jax()
    from colora_theory.experiments import fitting

    fitted = fitting.fit_data(found, rank if rank_right is None else (rank, rank_right))
    if as_json:
        typer.echo(fitting.as_json(fitted))
    else:
        Console().print(fitting.fit_table(fitted))
    for note in fitted.notes:
        _say(f"note: {note}")
    if out is not None:
        _say(f"written: {', '.join(map(str, fitting.write(fitted, out)))}")
    if not fitted.converged:
        raise typer.Exit(1)


@app.command()
def example(out: Annotated[Path, typer.Argument(help="A folder for the data.")]) -> None:
    """Write a small set of data in every layout of `colora fit`, and print the commands to try."""
    from colora_theory.experiments.examples import write_examples

    for path in write_examples(out):
        typer.echo(shlex.join(["colora", "fit", str(path), "--rank", "2"]))


@app.command()
def reproduce(
    preset: Preset = "cpu",
    results: Results = RESULTS,
    out: Out = OUT,
    workers: Workers = None,
    shard: Share = None,
    dask: Dask = None,
) -> None:
    """Run every sweep, draw every figure, judge every claim; the exit code is 1 if one is refuted."""
    from colora_theory.experiments.claims.evidence import Verdict
    from colora_theory.experiments.sweeps import SWEEPS

    began = time.monotonic()
    configs = [sweep.config(preset) for sweep in SWEEPS.values()]
    _say(f"reproduce ({preset}): {len(configs)} sweeps into {results}, then all figures into {out}")
    with _engine(workers, dask) as engine, _interrupts() as interrupts:
        share = _shard(shard)
        complete = [_run(config, preset, results, engine, share, interrupts) for config in configs]
    if not all(complete):
        _say("figures and verdicts need all tables: run colora reproduce once more when all shards are done")
        return
    _draw([], preset, results, out)
    refuted = [found.claim.name for found in _verify([], preset, results) if found.verdict is Verdict.REFUTED]
    _say(f"reproduce ({preset}): done in {time.monotonic() - began:.0f} s")
    if refuted:
        _say(f"refuted: {', '.join(refuted)}")
        raise typer.Exit(1)


def _run(
    config: "SweepConfig", preset: str, results: Path, engine: "Engine", shard: "Shard", interrupts: "Interrupts"
) -> bool:
    """Run a sweep, and say what came out; whether its table is complete."""
    from colora_theory.experiments.runtime import configure_jax

    configure_jax()
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.progress import reporter
    from colora_theory.experiments.runner import run as run_plan
    from colora_theory.experiments.store import Store

    store, plan = Store(results), make_plan(config, preset)
    report = run_plan(plan, store, reporter(_stderr()), engine, shard, interrupts.asked)
    ended = ", ".join(f"{status} {number}" for status, number in sorted(report.statuses.items()))
    table = f"table {report.path}" if report.path else f"shard {shard.index}/{shard.count} is done"
    _say(
        f"{config.name} ({preset}): {report.computed} cells computed, {report.found} found finished, "
        f"{report.seconds:.1f} s; {ended}; {table}"
    )
    if report.path is None:
        _say(
            f"other shards still owe {report.owed} of {len(plan.chunks)} chunks; the last to finish puts the table "
            f"together. To compute all that is missing here, {store.remedy(config.name, preset)}"
        )
    return report.path is not None


def _engine(workers: int | None, dask: str | None) -> "Engine":
    from colora_theory.experiments.engines.choice import choose

    return choose(workers, dask)


def _shard(text: str | None) -> "Shard":
    from colora_theory.experiments.shard import WHOLE, parse_shard

    return WHOLE if text is None else parse_shard(text)


def _interrupts() -> "Interrupts":
    from colora_theory.experiments.interrupts import Interrupts

    def second() -> None:
        _stderr().show_cursor(True)
        _fail(_INTERRUPTED + _again(), debug=False)

    return Interrupts(lambda: _say("Ctrl-C: stopping when what is at work is finished; again to stop at once"), second)


def _again() -> str:
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


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

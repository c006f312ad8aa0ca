"""Running sweeps: list, run, sweep, reproduce."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from colora_theory.experiments.commands.options import (
    OUT,
    RESULTS,
    AsJson,
    Dask,
    Out,
    Preset,
    Results,
    Share,
    Workers,
    check_exists,
    sweep_names,
)
from colora_theory.experiments.commands.report import PAGE, write_report
from colora_theory.experiments.commands.results import draw_figures, judge_claims
from colora_theory.experiments.commands.speech import INTERRUPTED, again, fail, print_json, say, stderr
from colora_theory.experiments.presets import CUSTOM
from colora_theory.experiments.shard import WHOLE, parse_shard
from colora_theory.experiments.sweeps import check_sweep

if TYPE_CHECKING:
    from colora_theory.experiments.config import AnyConfig
    from colora_theory.experiments.engines.base import Engine
    from colora_theory.experiments.interrupts import Interrupts
    from colora_theory.experiments.shard import Shard


def list_sweeps(as_json: AsJson = False) -> None:
    """Show the sweeps: what each claims, what would refute it, how many cells each preset has."""
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.sweeps import SWEEPS

    told: list[dict[str, Any]] = [
        {
            "name": sweep.name,
            "claim": sweep.claim,
            "refuted_if": sweep.refuted_if,
            "cells": {name: make_plan(sweep.config(name), name).num_cells for name in sweep.presets},
        }
        for sweep in SWEEPS.values()
    ]
    if as_json:
        print_json(told)
        return
    console = Console()
    for each in told:
        console.print(f"[bold]{each['name']}[/bold]", highlight=False)
        console.print(f"  claim: {escape(each['claim'])}", highlight=False)
        console.print(f"  refuted if: {escape(each['refuted_if'])}", highlight=False)
        presets = ", ".join(f"{name} {number:,} cells" for name, number in each["cells"].items())
        console.print(f"  presets: {presets}\n", highlight=False)


def run(
    name: Annotated[
        str, typer.Argument(help="A sweep, see: colora list", autocompletion=sweep_names, callback=check_sweep)
    ],
    preset: Preset = "cpu",
    results: Results = RESULTS,
    workers: Workers = None,
    shard: Share = None,
    dask: Dask = None,
    as_json: AsJson = False,
) -> None:
    """Run one sweep, or go on with it where it was stopped. Ctrl-C: stop soon; twice: at once."""
    share, chosen = _shard(shard), engine_of(workers, dask)
    from colora_theory.experiments.sweeps import find_sweep

    config = find_sweep(name).config(preset)
    with chosen as engine, interrupts_of() as interrupts:
        told = _run(config, preset, results, engine, share, interrupts)
    if as_json:
        print_json(told)


def sweep(
    file: Annotated[Path, typer.Argument(help="A TOML file with your own grids, like experiments/example.toml")],
    results: Results = RESULTS,
    workers: Workers = None,
    shard: Share = None,
    dask: Dask = None,
    as_json: AsJson = False,
) -> None:
    """Run a sweep of your own."""
    check_exists(file)
    share, chosen = _shard(shard), engine_of(workers, dask)
    from colora_theory.experiments.config import load_config
    from colora_theory.experiments.own_sweeps import claim
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.store import Store

    config = load_config(file)
    make_plan(config, CUSTOM)
    with chosen as engine, interrupts_of() as interrupts:
        claim(config, file, Store(results))
        told = _run(config, CUSTOM, results, engine, share, interrupts)
    if as_json:
        print_json(told)


def reproduce(
    preset: Preset = "cpu",
    results: Results = RESULTS,
    out: Out = OUT,
    workers: Workers = None,
    shard: Share = None,
    dask: Dask = None,
    as_json: AsJson = False,
) -> None:
    """Run every sweep, draw every figure, judge every claim; the exit code is 1 if one is refuted.

    Figures, and report.html with all of it on one page, are in the folder of --out, verdicts beside the tables.
    """
    share, chosen = _shard(shard), engine_of(workers, dask)
    from colora_theory.experiments.claims.evidence import Verdict
    from colora_theory.experiments.claims.verify import document
    from colora_theory.experiments.sweeps import SWEEPS

    began = time.monotonic()
    configs = [sweep.config(preset) for sweep in SWEEPS.values()]
    say(f"reproduce ({preset}): {len(configs)} sweeps into {results}, then all figures and a report into {out}")
    with chosen as engine, interrupts_of() as interrupts:
        ran = [_run(config, preset, results, engine, share, interrupts) for config in configs]
    told: dict[str, Any] = {"complete": all(each["complete"] for each in ran), "sweeps": ran}
    if not told["complete"]:
        say("figures and verdicts need all tables: run colora reproduce once more when all shards are done")
        if as_json:
            print_json(told)
        return
    told["figures"] = draw_figures([], preset, results, out)
    judgements = judge_claims([], preset, results, table=not as_json)
    told["report"] = write_report(preset, results, out / PAGE)
    refuted = [found.claim.name for found in judgements if found.verdict is Verdict.REFUTED]
    say(f"reproduce ({preset}): done in {time.monotonic() - began:.0f} s")
    if as_json:
        print_json(told | document(judgements, preset))
    if refuted:
        say(f"refuted: {', '.join(refuted)}")
        raise typer.Exit(1)


def _run(
    config: "AnyConfig", preset: str, results: Path, engine: "Engine", shard: "Shard", interrupts: "Interrupts"
) -> dict[str, Any]:
    """Run a sweep, and say what came out, in words and as plain values."""
    from colora_theory.experiments.runtime import configure_jax

    configure_jax()
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.progress import reporter
    from colora_theory.experiments.runner import run as run_plan
    from colora_theory.experiments.store import Store

    store, plan = Store(results), make_plan(config, preset)
    report = run_plan(plan, store, reporter(stderr()), engine, shard, interrupts.asked)
    ended = ", ".join(f"{status} {number}" for status, number in sorted(report.statuses.items()))
    table = f"table {report.path}" if report.path else f"shard {shard.index}/{shard.count} is done"
    say(
        f"{config.name} ({preset}): {report.computed} cells computed, {report.found} found finished, "
        f"{report.seconds:.1f} s; {ended}; {table}"
    )
    if report.path is None:
        say(
            f"other shards still owe {report.owed} of {len(plan.chunks)} chunks; the last to finish puts the table "
            f"together. To compute all that is missing here, {store.remedy(config.name, preset)}"
        )
    return {
        "sweep": config.name,
        "preset": preset,
        "complete": report.path is not None,
        "table": report.path,
        "computed": report.computed,
        "found": report.found,
        "statuses": report.statuses,
        "owed_chunks": report.owed,
        "seconds": report.seconds,
    }


def engine_of(workers: int | None, dask: str | None) -> "Engine":
    """What the options ask to compute with."""
    from colora_theory.experiments.engines.choice import choose

    return choose(workers, dask)


def _shard(text: str | None) -> "Shard":
    return WHOLE if text is None else parse_shard(text)


def interrupts_of() -> "Interrupts":
    """Ctrl-C as a wish to stop soon; the second at once."""
    from colora_theory.experiments.interrupts import Interrupts

    def second() -> None:
        stderr().show_cursor(True)
        fail(INTERRUPTED + again(), debug=False)

    return Interrupts(lambda: say("Ctrl-C: stopping when what is at work is finished; again to stop at once"), second)

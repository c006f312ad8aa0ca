"""What stored tables say: figures and verify."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from colora_theory.experiments.commands.options import (
    OUT,
    RESULTS,
    AsJson,
    Out,
    Preset,
    Results,
    claim_names,
)
from colora_theory.experiments.commands.speech import print_json, say
from colora_theory.experiments.gallery import check_figures, figure_names

if TYPE_CHECKING:
    from colora_theory.experiments.claims.verify import Judgement


def figures(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="All of them if none is named.", autocompletion=figure_names, callback=check_figures),
    ] = None,
    preset: Preset = "cpu",
    results: Results = RESULTS,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Draw figures from stored tables."""
    drawn = draw_figures(names or [], preset, results, out)
    if as_json:
        print_json(drawn)


def verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="All of them if none is named.", autocompletion=claim_names)
    ] = None,
    preset: Preset = "cpu",
    results: Results = RESULTS,
    strict: Annotated[bool, typer.Option("--strict", help="Let undecided claims fail, too.")] = False,
    list_only: Annotated[bool, typer.Option("--list", help="Show the claims, judge none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge the claims by the stored tables; all verdicts are kept as verdicts-PRESET.json beside them.

    The exit code is 1 if a claim is refuted or lacks data. Verdicts on named claims only are not kept.
    """
    if list_only:
        from colora_theory.experiments.claims.ledger import find_claims
        from colora_theory.experiments.claims.report import ledger_table

        claims = find_claims(names or [])
        if as_json:
            told = ("name", "statement", "source", "sweep", "prediction")
            print_json([{each: getattr(claim, each) for each in told} for claim in claims])
        else:
            Console().print(ledger_table(claims))
        return
    judgements = judge_claims(names or [], preset, results, table=not as_json)
    from colora_theory.experiments.claims.verify import document, failures

    if as_json:
        print_json(document(judgements, preset))
    failed = failures(judgements, strict)
    if failed:
        say(f"failed: {', '.join(judgement.claim.name for judgement in failed)}")
        raise typer.Exit(1)


def draw_figures(names: list[str], preset: str, results: Path, out: Path) -> list[dict[str, Any]]:
    """Draw figures, all if none is named, and say how long each took: its name, files and seconds."""
    from colora_theory.experiments.gallery import draw, figure_modules

    drawn = []
    for name, module in figure_modules(names).items():
        began = time.monotonic()
        files = draw(module, preset, results, out)
        seconds = time.monotonic() - began
        say(f"figure {name}: drawn into {out} in {seconds:.1f} s")
        drawn.append({"figure": name, "files": files, "seconds": seconds})
    return drawn


def judge_claims(names: list[str], preset: str, results: Path, *, table: bool = True) -> "list[Judgement]":
    """Judge claims and print the verdicts, as a table if it is wanted; those on all claims are stored."""
    from colora_theory.experiments.claims.ledger import find_claims

    claims = find_claims(names)
    from colora_theory.experiments.claims.report import verdict_table
    from colora_theory.experiments.claims.verify import summary, verify, write
    from colora_theory.experiments.store import Store

    judgements = verify(claims, Store(results), preset)
    if table:
        Console().print(verdict_table(judgements))
    say(f"verify ({preset}): {summary(judgements)}")
    if not names:
        say(f"verdicts {write(judgements, Store(results), preset)}")
    return judgements

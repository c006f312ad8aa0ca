"""Runs the language experiment: what `colora language` does once it is known that it can."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console

from colora_theory.experiments.claims.evidence import Verdict
from colora_theory.experiments.claims.report import verdict_table
from colora_theory.experiments.claims.verify import document, judge, summary
from colora_theory.experiments.commands.speech import say, stderr
from colora_theory.experiments.engines.base import Engine
from colora_theory.experiments.interrupts import Interrupts
from colora_theory.experiments.progress import reporter
from colora_theory.experiments.runner import run
from colora_theory.experiments.runtime import configure_jax
from colora_theory.experiments.store import Store
from colora_theory.figures import style
from colora_theory.language.claims import CLAIMS
from colora_theory.language.figures import FIGURES
from colora_theory.language.sweep import NAME, SCHEMA, make_plan
from colora_theory.language.weights import installed_folder


def reproduce(
    preset: str, results: Path, out: Path, engine: Engine, interrupts: Interrupts, *, table: bool = True
) -> dict[str, Any]:
    """Run the sweep, draw its figures, judge its claims; what is finished of an earlier run is kept.

    Args:
        preset: smoke, cpu or full.
        results: folder of the tables.
        out: folder of the figures.
        engine: what computes.
        interrupts: whether somebody asked to stop.
        table: whether the verdicts are printed as a table.

    Returns:
        What came out, as plain values.

    Raises:
        LanguageError: If a package is not installed, or its files are damaged.
    """
    began = time.monotonic()
    installed_folder()
    configure_jax()
    store, plan = Store(results, (SCHEMA,), ("colora", NAME)), make_plan(preset)
    report = run(plan, store, reporter(stderr()), engine, stop=interrupts.asked)
    say(f"{NAME} ({preset}): {report.computed} cells computed, {report.found} found finished, {report.seconds:.0f} s")
    frame = store.load_planned(plan)
    for name, draw in FIGURES.items():
        with style.paper_style():
            figure, caption = draw(frame, preset)
            style.add_caption(figure, caption)
            style.save(figure, caption, out, name, f"sweep {NAME}, preset {preset}, table {plan.config_hash}")
        say(f"figure {name}: drawn into {out}")
    judgements = [judge(claim, frame) for claim in CLAIMS] if preset != "smoke" else []
    if judgements and table:
        Console().print(verdict_table(judgements))
    told = document(judgements, preset)
    if judgements:
        say(f"verify ({preset}): {summary(judgements)}")
        store.write_json(f"verdicts-{NAME}-{preset}", told)
    say(f"{NAME} ({preset}): done in {time.monotonic() - began:.0f} s")
    refuted = [judgement.claim.name for judgement in judgements if judgement.verdict is Verdict.REFUTED]
    return told | {"table": report.path, "seconds": report.seconds, "refuted": refuted}

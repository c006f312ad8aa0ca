"""From stored tables to verdicts."""

import collections
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from colora_theory.experiments.claims.claim import Claim
from colora_theory.experiments.claims.evidence import Evidence, NoDataError, Verdict
from colora_theory.experiments.errors import ColoraError
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.presets import PRESETS, check_preset
from colora_theory.experiments.provenance import package_version
from colora_theory.experiments.store import Store
from colora_theory.experiments.sweeps import find_sweep


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What became of a claim.

    Attributes:
        claim: the claim.
        verdict: the verdict.
        evidence: the estimate behind it; None without data.
        reason: why there is no estimate; empty if there is one.
    """

    claim: Claim
    verdict: Verdict
    evidence: Evidence | None = None
    reason: str = ""


def verify(claims: Sequence[Claim], store: Store, preset: str) -> list[Judgement]:
    """Judge claims by the stored tables of one preset.

    Raises:
        ConfigError: If there is no such preset.
    """
    check_preset(preset)
    asked = [claim for claim in claims if _is_asked(claim, preset)]
    tables = {sweep: _table(sweep, store, preset) for sweep in dict.fromkeys(claim.sweep for claim in asked)}
    return [
        judge(claim, tables[claim.sweep])
        if claim in asked
        else Judgement(claim, Verdict.NOT_ASKED, reason=f"asked from preset {claim.preset} on")
        for claim in claims
    ]


def judge(claim: Claim, table: pd.DataFrame | ColoraError) -> Judgement:
    """Judge one claim by a table, or by what was said in the place of one."""
    if isinstance(table, ColoraError):
        return Judgement(claim, Verdict.NO_DATA, reason=str(table))
    missing = [name for name in claim.columns if name not in table]
    if missing:
        return Judgement(claim, Verdict.NO_DATA, reason=f"the table has no column {', '.join(missing)}")
    try:
        evidence = claim.statistic(table)
    except NoDataError as error:
        return Judgement(claim, Verdict.NO_DATA, reason=str(error))
    return Judgement(claim, claim.rule.judge(evidence), evidence)


def failures(judgements: Sequence[Judgement], strict: bool) -> list[Judgement]:
    """Those that are refuted or lack data; if `strict`, also those that are undecided."""
    failed = {Verdict.REFUTED, Verdict.NO_DATA} | ({Verdict.UNDECIDED} if strict else set())
    return [judgement for judgement in judgements if judgement.verdict in failed]


def summary(judgements: Sequence[Judgement]) -> str:
    """One line: how many claims met which verdict."""
    counts = collections.Counter(judgement.verdict for judgement in judgements)
    return f"{len(judgements)} claims: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)


def write(judgements: Sequence[Judgement], store: Store, preset: str) -> Path:
    """Store the verdicts beside the tables as `verdicts-<preset>.json`.

    Raises:
        StoreError: If the folder cannot be written.
    """
    return store.write_json(f"verdicts-{preset}", document(judgements, preset))


def document(judgements: Sequence[Judgement], preset: str) -> dict[str, Any]:
    """The verdicts as plain values."""
    return {
        "preset": preset,
        "package_version": package_version(),
        "verdicts": [_record(judgement) for judgement in judgements],
    }


def _is_asked(claim: Claim, preset: str) -> bool:
    order = list(PRESETS)
    return order.index(preset) >= order.index(claim.preset)


def _table(sweep: str, store: Store, preset: str) -> pd.DataFrame | ColoraError:
    """The table of a sweep, or why there is none."""
    try:
        return store.load_planned(make_plan(find_sweep(sweep).config(preset), preset))
    except ColoraError as error:
        return error


def _record(judgement: Judgement) -> dict[str, Any]:
    claim, evidence = judgement.claim, judgement.evidence
    names = ("name", "statement", "source", "sweep", "prediction")
    record: dict[str, Any] = {name: getattr(claim, name) for name in names}
    record |= {"verdict": judgement.verdict, "reason": judgement.reason}
    if evidence is None:
        return record
    return record | {name: getattr(evidence, name) for name in ("value", "low", "high", "count", "detail")}

"""Claims and verdicts as tables for a terminal."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Column, Table

from colora_theory.experiments.claims.claim import Claim
from colora_theory.experiments.claims.evidence import Verdict
from colora_theory.experiments.claims.verify import Judgement

_COLORS = {Verdict.HOLDS: "green", Verdict.REFUTED: "red", Verdict.UNDECIDED: "yellow", Verdict.NO_DATA: "red"}


def ledger_table(claims: Sequence[Claim]) -> Table:
    """What is claimed, by whom, and what a table must show."""
    table = Table(_name(), "statement", "source", "prediction", "sweep, from preset", show_lines=True)
    for claim in claims:
        cells = claim.name, claim.statement, claim.source, claim.prediction, f"{claim.sweep}, {claim.preset}"
        table.add_row(*map(escape, cells))
    return table


def verdict_table(judgements: Sequence[Judgement]) -> Table:
    """What was predicted, what was measured, and the verdict."""
    table = Table(_name(), "prediction", "measured [95% interval]", "verdict", show_lines=True)
    for judgement in judgements:
        measured = judgement.reason if judgement.evidence is None else str(judgement.evidence)
        color = _COLORS.get(judgement.verdict, "default")
        cells = judgement.claim.name, judgement.claim.prediction, measured
        table.add_row(*map(escape, cells), f"[{color}]{judgement.verdict}[/{color}]")
    return table


def _name() -> Column:
    """The column of the names, which are never cut short: they are what the command takes."""
    return Column("claim", overflow="fold")

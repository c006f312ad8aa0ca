"""A report on made-up tables: every verdict, figures of three sweeps, a damaged table, and sweeps without one."""

import itertools
from pathlib import Path

import pytest

from colora_theory.experiments.claims.evidence import Verdict
from colora_theory.experiments.claims.ledger import CLAIMS
from colora_theory.experiments.claims.verify import Judgement, judge
from colora_theory.experiments.report.material import Material, exhibit
from colora_theory.experiments.store import Store
from colora_theory.experiments.sweeps import SWEEPS
from tests.experiments.claim_tables import CASES
from tests.figures.conftest import make_table, write_table

DRAWN = ("sample_complexity", "misalignment", "newcomer")
DAMAGED = "noise"


def judgements() -> tuple[Judgement, ...]:
    """All claims: borne out, refuted, without data, not asked, in turn."""
    found = []
    for claim, turn in zip(CLAIMS.values(), itertools.cycle(range(4)), strict=False):
        if turn < 2:
            found.append(judge(claim, CASES[claim.name][turn]()))
        else:
            found.append(Judgement(claim, (Verdict.NO_DATA, Verdict.NOT_ASKED)[turn - 2], reason="why\nrun: colora"))
    return tuple(found)


def make_material(root: Path) -> Material:
    """The material, with its tables in the folder `root`."""
    for name in (*DRAWN, DAMAGED):
        write_table(root, name, make_table(name, "smoke"))
    store = Store(root)
    damaged = store.table_path(DAMAGED, "smoke")
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.MonkeyPatch.context() as patch:
        # The made-up tables have other draws than the plans.
        patch.setattr(Store, "load_planned", lambda self, plan: self.load(plan.sweep, plan.preset))
        exhibits = tuple(exhibit(sweep, store, "smoke") for sweep in SWEEPS.values())
    return Material("smoke", "results", judgements(), exhibits)

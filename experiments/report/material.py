"""What the report tells, gathered from a results folder."""

import collections
import dataclasses
import enum
from collections.abc import Sequence
from typing import Any

import pandas as pd

from colora_theory.experiments.claims.ledger import CLAIMS
from colora_theory.experiments.claims.verify import Judgement, verify
from colora_theory.experiments.errors import ColoraError, StoreError
from colora_theory.experiments.gallery import Picture, figure_modules, picture
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.seal import seal_holds
from colora_theory.experiments.store import Store
from colora_theory.experiments.sweep import Sweep
from colora_theory.experiments.sweeps import SWEEPS


class State(enum.StrEnum):
    """What became of the table of a sweep."""

    READY = "ready"
    MISSING = "missing"
    FOREIGN = "made from other grids or by other code"
    DAMAGED = "damaged or not readable"


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """A sweep with its table and figures.

    Attributes:
        sweep: the sweep.
        state: whether there is a table to show.
        reason: why there is none, in the words of the store; empty if there is one.
        rows: number of runs in the table.
        failing: number of those that did not end as CONVERGED.
        sealed: whether the file has a checksum, which then fits: without one nothing guards its schema and provenance.
        provenance: where the table comes from, by name.
        pictures: its figures.
    """

    sweep: Sweep
    state: State
    reason: str = ""
    rows: int = 0
    failing: int = 0
    sealed: bool = False
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


@dataclasses.dataclass(frozen=True)
class Material:
    """Everything on the page.

    Attributes:
        preset: whose tables are read.
        results: the results folder, as it was named.
        judgements: every claim with its verdict.
        exhibits: every sweep.
    """

    preset: str
    results: str
    judgements: tuple[Judgement, ...]
    exhibits: tuple[Exhibit, ...]


def gather(store: Store, preset: str) -> Material:
    """Judge all claims and draw all figures by the stored tables of one preset.

    Raises:
        ConfigError: If there is no such preset.
    """
    judgements = verify(list(CLAIMS.values()), store, preset)
    exhibits = tuple(exhibit(sweep, store, preset) for sweep in SWEEPS.values())
    return Material(preset, str(store.root), tuple(judgements), exhibits)


def exhibit(sweep: Sweep, store: Store, preset: str) -> Exhibit:
    """A sweep with its figures, or the reason why there are none."""
    path = store.table_path(sweep.name, preset)
    try:
        table = store.load_planned(make_plan(sweep.config(preset), preset))
    except StoreError as error:
        return Exhibit(sweep, State.DAMAGED, str(error))
    except ColoraError as error:
        return Exhibit(sweep, State.FOREIGN if path.exists() else State.MISSING, str(error))
    return Exhibit(
        sweep,
        State.READY,
        rows=len(table),
        failing=int((table["status_name"] != "CONVERGED").sum()),
        sealed=seal_holds(path.read_bytes()) is True,
        provenance={str(name): value for name, value in table.attrs.items()},
        pictures=_pictures(sweep, table, preset),
    )


def counts(judgements: Sequence[Judgement]) -> dict[str, int]:
    """How many claims met which verdict."""
    return dict(collections.Counter(judgement.verdict.value for judgement in judgements))


def _pictures(sweep: Sweep, table: pd.DataFrame, preset: str) -> tuple[Picture, ...]:
    modules = {name: module for name, module in figure_modules().items() if sweep.name == module.SWEEP}
    return tuple(picture(name, module, table, preset) for name, module in modules.items())

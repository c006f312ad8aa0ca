"""Tiny sweeps: shapes that compile and run in a second or two."""

import pyarrow as pa
import pytest

from colora_theory.experiments.config import Grid, SweepConfig
from colora_theory.experiments.plan import Plan, make_plan
from colora_theory.experiments.progress import Reporter
from colora_theory.experiments.store import Store
from colora_theory.experiments.table import TIMING_COLUMNS

SHAPE = {"num_users": 4, "num_rows": 7, "num_cols": 6, "rank": 2}


class Notes(Reporter):
    """Remembers what it was told."""

    def __init__(self):
        self.notes: list[str] = []
        self.computed = 0
        self.found = 0
        self.failing = 0

    def begin(self, label: str, total: int) -> None:
        self.total = total

    def advance(self, cells: int, *, failing: int, computed: bool) -> None:
        self.failing += failing
        if computed:
            self.computed += cells
        else:
            self.found += cells

    def note(self, message: str) -> None:
        self.notes.append(message)


def without_timing(table: pa.Table) -> pa.Table:
    return table.drop_columns(list(TIMING_COLUMNS))


@pytest.fixture
def config() -> SweepConfig:
    """Two layouts (two capacities), two methods."""
    grid = Grid(**SHAPE, num_samples=[12, 14], method=["alternating", "oracle"], num_seeds=2, max_steps=50)
    return SweepConfig(name="tiny", grid=[grid])


@pytest.fixture
def plan(config) -> Plan:
    return make_plan(config, "smoke")


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "results")


@pytest.fixture
def notes() -> Notes:
    return Notes()

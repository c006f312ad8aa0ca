"""How far the sweeps of a results folder are."""

import collections
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from colora_theory.experiments.errors import StoreError
from colora_theory.experiments.plan import Plan, make_plan
from colora_theory.experiments.store import DamagedFileError, Store
from colora_theory.experiments.sweeps import SWEEPS


@dataclasses.dataclass(frozen=True)
class Standing:
    """One sweep in one preset.

    Attributes:
        sweep: its name.
        preset: its preset.
        done: number of rows that are stored.
        total: number of rows of the plan.
        statuses: number of stored rows by name of their status.
        damaged: files of the plan that cannot be trusted; the next run will set them aside.
        quarantined: number of files that were set aside.
    """

    sweep: str
    preset: str
    done: int
    total: int
    statuses: dict[str, int]
    damaged: tuple[Path, ...]
    quarantined: int


def survey(store: Store) -> Iterator[Standing]:
    """Every sweep of the project and preset that was begun, then the users' own sweeps that are finished."""
    for sweep in SWEEPS.values():
        for preset in sweep.presets:
            if store.folder(sweep.name, preset).is_dir():
                yield _standing(make_plan(sweep.config(preset), preset), store)
    for path in sorted(store.root.glob("*/custom.parquet")):
        # The grids of a user's own sweep are in the user's file, so only the table can be counted.
        try:
            statuses = collections.Counter(store.load(path.parent.name, "custom")["status_name"])
        except StoreError:
            yield Standing(path.parent.name, "custom", 0, 0, {}, (path,), 0)
            continue
        total = statuses.total()
        yield Standing(path.parent.name, "custom", total, total, dict(statuses), (), 0)


def _standing(plan: Plan, store: Store) -> Standing:
    statuses: collections.Counter[str] = collections.Counter()
    damaged = []
    for chunk in plan.chunks:
        try:
            rows = store.read_chunk(plan, chunk)
        except DamagedFileError as error:
            damaged.append(error.path)
            continue
        if rows is not None:
            statuses.update(rows.column("status_name").to_pylist())
    quarantine = store.quarantine_folder(plan)
    quarantined = sum(1 for _ in quarantine.iterdir()) if quarantine.is_dir() else 0
    return Standing(
        plan.sweep, plan.preset, statuses.total(), plan.num_cells, dict(statuses), tuple(damaged), quarantined
    )

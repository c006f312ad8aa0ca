"""Computes what a results folder lacks of a plan, and puts the table together."""

import collections
import dataclasses
import time
from pathlib import Path

import pyarrow as pa

from colora_theory.experiments.plan import Chunk, Plan
from colora_theory.experiments.progress import Reporter
from colora_theory.experiments.provenance import provenance
from colora_theory.experiments.store import DamagedFileError, Store
from colora_theory.experiments.trial import run_chunk


@dataclasses.dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        path: the whole table.
        computed: number of rows computed now.
        found: number of rows that were finished before.
        statuses: number of rows by name of their status.
        seconds: wall time, compilation included.
    """

    path: Path
    computed: int
    found: int
    statuses: dict[str, int]
    seconds: float


def run(plan: Plan, store: Store, reporter: Reporter) -> Report:
    """Compute the chunks that are missing, one file each, then write the whole table.

    Every chunk is stored before the next begins, so a run that is stopped in any way loses one chunk at most.
    """
    began = time.monotonic()
    store.prepare(plan)
    statuses: collections.Counter[str] = collections.Counter()
    found = 0
    with reporter:
        reporter.begin(f"{plan.sweep} ({plan.preset})", plan.num_cells)
        try:
            store.check_table(plan)
        except DamagedFileError as damaged:
            _set_aside(damaged, plan, store, reporter)
        for chunk in plan.chunks:
            rows = _finished(plan, chunk, store, reporter)
            known = rows is not None
            if rows is None:
                rows = run_chunk(chunk)
                store.write_chunk(plan, chunk, rows, provenance())
            found += chunk.num_cells if known else 0
            statuses.update(rows.column("status_name").to_pylist())
            reporter.advance(chunk.num_cells, computed=not known)
        path = store.write_table(plan)
    return Report(path, plan.num_cells - found, found, dict(statuses), time.monotonic() - began)


def _finished(plan: Plan, chunk: Chunk, store: Store, reporter: Reporter) -> pa.Table | None:
    try:
        return store.read_chunk(plan, chunk)
    except DamagedFileError as damaged:
        _set_aside(damaged, plan, store, reporter)
        return None


def _set_aside(damaged: DamagedFileError, plan: Plan, store: Store, reporter: Reporter) -> None:
    target = store.quarantine(plan, damaged)
    reporter.note(f"{damaged.path} is not used: {damaged.reason}; moved to {target}, making it again")

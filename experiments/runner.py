"""Computes what a results folder lacks of a plan, and puts the table together."""

import collections
import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.clock import RunClock
from colora_theory.experiments.engines.base import Engine, LaneTooLargeError
from colora_theory.experiments.engines.in_process import InProcess
from colora_theory.experiments.plan import Plan
from colora_theory.experiments.progress import Reporter
from colora_theory.experiments.provenance import command
from colora_theory.experiments.shard import WHOLE, Shard
from colora_theory.experiments.store import DamagedFileError, Store


@dataclasses.dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        path: the whole table; None if chunks of other shards are still missing.
        computed: number of rows computed now.
        found: number of rows that were finished before.
        statuses: number of rows by name of their status.
        seconds: wall time, compilation included.
        owed: number of chunks that other shards have not finished.
    """

    path: Path | None
    computed: int
    found: int
    statuses: dict[str, int]
    seconds: float
    owed: int


def run(
    plan: Plan,
    store: Store,
    reporter: Reporter,
    engine: Engine | None = None,
    shard: Shard = WHOLE,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Compute the chunks of a share that are missing, one file each, then write the whole table if all are there.

    Every chunk is stored before its worker gets the next, so a run that is stopped in any way loses one chunk of every
    worker at most. `engine` is this process if it is None, and is not closed. Where `stop` says so, nothing is begun
    any more, and what is at work is finished and stored.

    Raises:
        KeyboardInterrupt: If it was stopped.
        LaneTooLargeError: If memory does not suffice for a cell; all others are stored.
        StoreError: If the folder cannot be read or written.
        ColoraError: If there is nothing left to compute with.
    """
    began, clock = time.monotonic(), RunClock()
    store.prepare(plan)
    statuses: collections.Counter[str] = collections.Counter()
    cells: collections.Counter[bool] = collections.Counter()
    mine = shard.of(plan)
    too_large = []

    def count(chunk: AbstractChunk, rows: pa.Table, *, computed: bool) -> None:
        names = collections.Counter(rows.column("status_name").to_pylist())
        statuses.update(names)
        cells[computed] += chunk.num_cells
        reporter.advance(chunk.num_cells, failing=chunk.num_cells - names["CONVERGED"], computed=computed)

    def missing() -> Iterator[AbstractChunk]:
        for chunk in mine:
            if stop():
                return
            rows = _finished(plan, chunk, store, reporter)
            if rows is None:
                yield chunk
            else:
                count(chunk, rows, computed=False)

    with reporter:
        reporter.begin(f"{plan.sweep} ({plan.preset})", sum(chunk.num_cells for chunk in mine))
        try:
            store.check_table(plan)
        except DamagedFileError as damaged:
            _set_aside(damaged, plan, store, reporter)
        with contextlib.closing((engine or InProcess()).compute(missing(), reporter.note)) as outcomes:
            for chunk, outcome in outcomes:
                if isinstance(outcome, LaneTooLargeError):
                    too_large.append(outcome)
                    continue
                record = outcome.record | {"command": command(), "clock": clock.stamp()}
                store.write_chunk(plan, chunk, outcome.rows, record)
                count(chunk, outcome.rows, computed=True)
        if stop():
            raise KeyboardInterrupt
        if too_large:
            raise too_large[0]
        others = set(plan.chunks) - set(mine)
        owed = sum(_finished(plan, chunk, store, reporter) is None for chunk in others)
        path = None if owed else store.write_table(plan)
    return Report(path, cells[True], cells[False], dict(statuses), time.monotonic() - began, owed)


def _finished(plan: Plan, chunk: AbstractChunk, store: Store, reporter: Reporter) -> pa.Table | None:
    try:
        return store.read_chunk(plan, chunk)
    except DamagedFileError as damaged:
        _set_aside(damaged, plan, store, reporter)
        return None


def _set_aside(damaged: DamagedFileError, plan: Plan, store: Store, reporter: Reporter) -> None:
    target = store.quarantine(plan, damaged)
    reporter.note(f"{damaged.path} is not used: {damaged.reason}; moved to {target}, making it again")

"""How far the sweeps of a results folder are, and how quickly they are getting on."""

import collections
import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path

from colora_theory.experiments import clock
from colora_theory.experiments.clock import Stamp
from colora_theory.experiments.errors import StoreError
from colora_theory.experiments.own_sweeps import claimed
from colora_theory.experiments.plan import Plan, make_plan
from colora_theory.experiments.presets import CUSTOM
from colora_theory.experiments.store import DamagedFileError, Store
from colora_theory.experiments.sweeps import SWEEPS

# A run that has stored nothing for so long, or for several times its usual, is taken to have ended.
_PATIENCE, _TIMES_USUAL = 30.0, 5.0


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
        rate: cells per second of the runs that go on; None if none does, or it cannot be told.
    """

    sweep: str
    preset: str
    done: int
    total: int
    statuses: dict[str, int]
    damaged: tuple[Path, ...]
    quarantined: int
    rate: float | None = None

    @property
    def failing(self) -> int:
        """Number of stored rows that ended without having converged."""
        return self.done - self.statuses.get("CONVERGED", 0)

    @property
    def seconds_left(self) -> float | None:
        """At this rate."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclasses.dataclass(frozen=True)
class _Stored:
    """A chunk as it was read: its cells, when its run stored it, and when we saw it appear, if we did."""

    statuses: dict[str, int]
    stamp: Stamp | None
    seen: float | None

    @property
    def cells(self) -> int:
        return sum(self.statuses.values())


class Survey:
    """Looks through a results folder, again and again if need be; what was read is not read again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stored: dict[str, _Stored] = {}
        self._first = True

    def look(self) -> Iterator[Standing]:
        """Every sweep of the project and preset that was begun, then the users' own sweeps.

        Raises:
            StoreError: If a file cannot be read.
        """
        for sweep in SWEEPS.values():
            for preset in sweep.presets:
                if self._store.folder(sweep.name, preset).is_dir():
                    yield self._standing(make_plan(sweep.config(preset), preset))
        known = set()
        for config in claimed(self._store):
            known.add(config.name)
            yield self._standing(make_plan(config, CUSTOM))
        for path in sorted(self._store.root.glob(f"*/{CUSTOM}.parquet")):
            # Of versions that did not note the grids: only the table can be counted.
            if path.parent.name in known:
                continue
            try:
                statuses = collections.Counter(self._store.load(path.parent.name, CUSTOM)["status_name"])
            except StoreError:
                yield Standing(path.parent.name, CUSTOM, 0, 0, {}, (path,), 0)
                continue
            total = statuses.total()
            yield Standing(path.parent.name, CUSTOM, total, total, dict(statuses), (), 0)
        self._first = False

    def _standing(self, plan: Plan) -> Standing:
        statuses: collections.Counter[str] = collections.Counter()
        damaged, present = [], []
        for chunk in plan.chunks:
            if not self._store.chunk_path(plan, chunk).exists():
                continue
            if chunk.id not in self._stored:
                try:
                    found = self._store.find_chunk(plan, chunk)
                except DamagedFileError as error:
                    damaged.append(error.path)
                    continue
                if found is None:
                    continue
                rows, record = found
                counted = collections.Counter(rows.column("status_name").to_pylist())
                seen = None if self._first else clock.now()
                self._stored[chunk.id] = _Stored(dict(counted), clock.read_stamp(record), seen)
            present.append(self._stored[chunk.id])
            statuses.update(present[-1].statuses)
        quarantine = self._store.quarantine_folder(plan)
        quarantined = sum(1 for _ in quarantine.iterdir()) if quarantine.is_dir() else 0
        done = statuses.total()
        speed = rate(present) if done < plan.num_cells else None
        return Standing(
            plan.sweep, plan.preset, done, plan.num_cells, dict(statuses), tuple(damaged), quarantined, speed
        )


def rate(stored: Iterable[_Stored]) -> float | None:
    """Cells per second of all runs that still go on, each by its own clock.

    A run of this machine goes on if it has stored something lately. Clocks of other machines tell nothing of now, so
    of their runs only those are counted that were seen to store something.
    """
    runs: dict[tuple[str | None, str], list[_Stored]] = collections.defaultdict(list)
    for chunk in stored:
        if chunk.stamp is not None:
            runs[chunk.stamp.boot, chunk.stamp.run].append(chunk)
    total = 0.0
    for (boot, _), chunks in runs.items():
        stamps = [chunk.stamp for chunk in chunks if chunk.stamp is not None]
        last = max(stamp.stored for stamp in stamps)
        took = last - stamps[0].began
        lately = [chunk.seen for chunk in chunks if chunk.seen is not None]
        if boot is not None and boot == clock.boot():
            lately.append(last)
        patience = max(_PATIENCE, _TIMES_USUAL * took / len(chunks))
        if took > 0 and lately and 0 <= clock.now() - max(lately) <= patience:
            total += sum(chunk.cells for chunk in chunks) / took
    return total or None

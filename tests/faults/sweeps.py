"""A sweep that is put through faults, what an undisturbed run of it gives, and what must hold after each of them."""

import dataclasses
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import pyarrow as pa
import pyarrow.parquet as pq

from colora_theory.experiments.config import load_config
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.store import Store
from colora_theory.experiments.table import TIMING_COLUMNS
from tests.experiments.processes import HEED_CTRL_C
from tests.faults import begun

SECONDS = 300
_COMMAND = [sys.executable, "-c", f"{HEED_CTRL_C}; from tests.faults.begun import main; main()"]


@dataclasses.dataclass(frozen=True)
class Begun:
    """A chunk, or a part of one, that a process began to compute."""

    chunk: str
    lanes: int
    process: int
    when: float


class Faults:
    """One sweep, and the ways to run it and to look at what is left of a run.

    Attributes:
        root: a folder for all that is written.
        rng: of the random moments.
        workers: how many chunks may be at work at once.
        trouble: what did not hold so far, of all sweeps of a campaign.
        seconds: that an undisturbed run takes, programs in the cache.
    """

    def __init__(self, root: Path, file: Path, workers: int, seed: int, options: list[str], trouble: list[str]) -> None:
        root.mkdir(exist_ok=True)
        self.root, self.file, self.workers, self.options = root, file, workers, options
        self.rng, self.log = random.Random(seed), root / "begun"
        cache = jax.config.values["jax_compilation_cache_dir"]
        self.environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": cache, begun.LOG: str(self.log)}
        self.plan = make_plan(load_config(file), "custom")
        self.folder = Path(self.plan.sweep) / "custom"
        self.trouble = trouble
        self.cells = 0
        self.finish(root / "warm")  # compiles
        began = time.monotonic()
        self.finish(root / "reference")
        self.seconds = time.monotonic() - began
        self.reference = {path.name: rows(path) for path in self.chunks(root / "reference")}
        self.table = rows(root / "reference" / self.folder.with_suffix(".parquet"))
        print(f"undisturbed: {len(self.plan.chunks)} chunks, {self.plan.num_cells} cells, {self.seconds:.1f} s")

    def expect(self, holds: bool, fault: str, message: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.trouble.append(f"{fault}: {message}")
            print(f"TROUBLE {self.trouble[-1]}", flush=True)

    def start(self, results: Path, *more: str, prepare: Callable[[], None] | None = None) -> "subprocess.Popen[str]":
        """A run of the sweep, in a process of its own, which is prepared by a function that it calls first."""
        command = [*_COMMAND, "sweep", str(self.file), "--results", str(results), *self.options, *more]
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment, preexec_fn=prepare)

    def finish(self, results: Path, *more: str) -> str:
        """Run to the end; what it said."""
        process = self.start(results, *more)
        _, said = process.communicate(timeout=SECONDS)
        self.expect(process.returncode == 0, "finish", said[-500:])
        return said

    def begun(self) -> list[Begun]:
        """What was begun since this was asked last."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        fields = (line.split() for line in lines)
        return [Begun(chunk, int(lanes), int(process), float(when)) for chunk, lanes, process, when in fields]

    def chunks(self, results: Path) -> list[Path]:
        """The stored chunks."""
        return sorted((results / self.folder / "chunks").glob("*.parquet"))

    def look(self, results: Path, before: dict[str, bytes], fault: str) -> dict[str, bytes]:
        """See that nothing finished is lost or wrong; the files that are there."""
        found = {path.name: path.read_bytes() for path in self.chunks(results)}
        for name, content in before.items():
            self.expect(found.get(name) == content, fault, f"the finished chunk {name} is not what it was")
        store = Store(results)
        known = {f"{chunk.id}.parquet": chunk for chunk in self.plan.chunks}
        self.expect(set(found) <= set(known), fault, f"files that are no chunks of the plan: {set(found) - set(known)}")
        for name in set(found) & set(known):
            stored = store.read_chunk(self.plan, known[name])
            same = stored is not None and stored.drop_columns(list(TIMING_COLUMNS)).equals(self.reference[name])
            self.expect(same, fault, f"chunk {name} is not what an undisturbed run computes")
        self.cells += sum(known[name].num_cells for name in before)
        return found

    def complete(self, results: Path, before: dict[str, bytes], fault: str, *more: str) -> None:
        """Run to the end, and see that what was finished was not computed again, and the table is the same."""
        said = self.finish(results, *more)
        cells = sum(chunk.num_cells for chunk in self.plan.chunks if f"{chunk.id}.parquet" in before)
        found = re.search(r"(\d+) cells computed, (\d+) found finished", said)
        counts = (self.plan.num_cells - cells, cells)
        self.expect(
            found is not None and tuple(map(int, found.groups())) == counts, fault, f"expected {counts}: {said}"
        )
        self.look(results, before, fault)
        self.whole(results, fault)

    def whole(self, results: Path, fault: str) -> None:
        """See that the table is that of an undisturbed run, and nothing else is left in the folder."""
        table = results / self.folder.with_suffix(".parquet")
        self.expect(table.exists() and rows(table).equals(self.table), fault, "another table, or none")
        left = [path for path in results.rglob("*") if path.is_file() and path.suffix not in (".parquet", ".json")]
        self.expect(not left, fault, f"files left over: {left}")

    def repeated(self, before: dict[str, bytes], after: dict[str, bytes], fault: str, most: int) -> int:
        """How many chunks the last run began and did not store; none that was there, and not more than so many."""
        chunks = [f"{each.chunk}.parquet" for each in self.begun()]
        self.expect(not set(chunks) & set(before), fault, "a finished chunk was computed again")
        in_vain = len(chunks) - len(set(after) - set(before))
        self.expect(0 <= in_vain <= most, fault, f"{in_vain} chunks begun in vain, at most {most} are allowed")
        return in_vain

    def killed(self, process: "subprocess.Popen[str]", seconds: float) -> bool:
        """Kill a run after so many seconds; whether it was still there."""
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        _, said = process.communicate()
        self.expect(process.returncode in (0, -signal.SIGKILL), "SIGKILL", said)
        return process.returncode == -signal.SIGKILL


def rows(path: Path) -> pa.Table:
    """A stored table without provenance and timing."""
    return pq.read_table(path).replace_schema_metadata(None).drop_columns(list(TIMING_COLUMNS))

"""The scripted campaign of faults: `make faults`, or python -m tests.faults.campaign --help.

A real sweep is killed, interrupted, run twice at once, and given a full disk and a folder that cannot be written. After
each fault the folder is looked through: every chunk that was finished is there, byte for byte; every file holds what an
undisturbed run computes; no cell is there twice. The last lines count the faults, and say what was wrong.
"""

import argparse
import contextlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from colora_theory.experiments.config import load_config
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.runtime import configure_jax
from colora_theory.experiments.store import Store
from colora_theory.experiments.table import TIMING_COLUMNS
from tests.experiments.processes import start_sweep, write_sweep

NUM_SEEDS = 640
SECONDS = 300


class Campaign:
    """One sweep, what an undisturbed run of it gives, and the faults that it is put through."""

    def __init__(self, root: Path, workers: int, seed: int) -> None:
        self.root, self.rng = root, random.Random(seed)
        self.options = ["--workers", str(workers)] if workers > 1 else []
        self.file = write_sweep(root / "long.toml", NUM_SEEDS)
        self.plan = make_plan(load_config(self.file), "custom")
        self.trouble: list[str] = []
        self.finish(root / "warm")  # compiles
        began = time.monotonic()
        self.finish(root / "reference")
        self.seconds = time.monotonic() - began
        self.reference = {path.name: rows(path) for path in self.chunks(root / "reference")}
        self.table = rows(root / "reference" / "long" / "custom.parquet")
        print(f"undisturbed: {len(self.plan.chunks)} chunks, {self.plan.num_cells} cells, {self.seconds:.1f} s")

    def expect(self, holds: bool, fault: str, message: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.trouble.append(f"{fault}: {message}")
            print(f"TROUBLE {self.trouble[-1]}", flush=True)

    def start(self, results: Path) -> "subprocess.Popen[str]":
        return start_sweep(self.file, results, *self.options)

    def finish(self, results: Path) -> str:
        """Run to the end; what it said."""
        process = self.start(results)
        _, said = process.communicate(timeout=SECONDS)
        self.expect(process.returncode == 0, "finish", said[-500:])
        return said

    def chunks(self, results: Path) -> list[Path]:
        return sorted((results / "long" / "custom" / "chunks").glob("*.parquet"))

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
        return found

    def complete(self, results: Path, before: dict[str, bytes], fault: str) -> None:
        """Run to the end, and see that what was finished was not computed again, and the table is the same."""
        said = self.finish(results)
        cells = sum(chunk.num_cells for chunk in self.plan.chunks if f"{chunk.id}.parquet" in before)
        found = re.search(r"(\d+) cells computed, (\d+) found finished", said)
        counts = (self.plan.num_cells - cells, cells)
        self.expect(
            found is not None and tuple(map(int, found.groups())) == counts, fault, f"expected {counts}: {said}"
        )
        self.look(results, before, fault)
        self.expect(rows(results / "long" / "custom.parquet").equals(self.table), fault, "another table")
        left = [path for path in results.rglob("*") if path.is_file() and path.suffix not in (".parquet", ".json")]
        self.expect(not left, fault, f"files left over: {left}")

    def kills(self, number: int) -> str:
        """SIGKILL at random moments of a sweep, again and again until it is done, then of another."""
        killed, completed, at_start, results = 0, 0, 0, self.root / "killed"
        before: dict[str, bytes] = {}
        while killed < number:
            process = self.start(results)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.rng.uniform(0, 1.1 * self.seconds))
            process.kill()
            _, said = process.communicate()
            if process.returncode == -signal.SIGKILL:
                killed += 1
                found = self.look(results, before, "SIGKILL")
                at_start += len(found) == len(before)
                before = found
            if process.returncode == 0 or killed == number:
                completed += 1
                self.complete(results, self.look(results, before, "SIGKILL"), "SIGKILL")
                shutil.rmtree(results)
                before = {}
            self.expect(process.returncode in (0, -signal.SIGKILL), "SIGKILL", said)
        return f"{killed} kills, {at_start} of them before another chunk was stored; {completed} sweeps completed"

    def interrupts(self, number: int, *, twice: bool) -> str:
        """Ctrl-C at random moments after the first line, once or twice."""
        fault = "Ctrl-C twice" if twice else "Ctrl-C"
        interrupted = 0
        for attempt in range(number):
            results = self.root / f"interrupted-{twice}-{attempt}"
            process = self.start(results)
            assert process.stderr is not None
            first = process.stderr.readline()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self.rng.uniform(0, 0.5 * self.seconds))
            process.send_signal(signal.SIGINT)
            if twice:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(self.rng.uniform(0, 0.3))
                process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
            if process.returncode != 0:
                interrupted += 1
                # Shells show a process that the second signal ended as 130, too.
                codes = (130, -signal.SIGINT) if twice else (130,)
                self.expect(process.returncode in codes, fault, f"exit code {process.returncode}")
                self.expect("interrupted" in said and "Traceback" not in said, fault, first + said[-2000:])
                self.complete(results, self.look(results, {}, fault), fault)
            shutil.rmtree(results)
        return f"{interrupted} of {number} interrupted, the others were done before"

    def two_runners(self, number: int) -> str:
        """Two runs at once in one folder."""
        fault = "two runners"
        for attempt in range(number):
            results = self.root / f"shared-{attempt}"
            pair = [self.start(results), self.start(results)]
            for process in pair:
                _, said = process.communicate(timeout=SECONDS)
                self.expect(process.returncode == 0, fault, said[-2000:])
            self.complete(results, self.look(results, {}, fault), fault)
            shutil.rmtree(results)
        return f"{number} pairs, both ended well"

    def refused(self, results: Path, reason: str, fault: str) -> None:
        """A run must say that it cannot write, where, and what to do."""
        process = self.start(results)
        _, said = process.communicate(timeout=SECONDS)
        self.expect(process.returncode == 3, fault, f"exit code {process.returncode}: {said[-2000:]}")
        for words in (reason, str(results), "run the same command again"):
            self.expect(words in said, fault, f"{words!r} is not in: {said[-2000:]}")
        self.expect("Traceback" not in said, fault, said[-2000:])

    def full_disk(self) -> str:
        """A file system with room for some chunks, then with more."""
        fault, results = "full disk", self.root / "full"
        with mounted(results, "-t", "tmpfs", "-o", "size=256k", "tmpfs") as done:
            if not done:
                return "not tried: mounting is not permitted here"
            self.refused(results, "No space left on device", fault)
            before = self.look(results, {}, fault)
            self.expect(0 < len(before) < len(self.plan.chunks), fault, f"{len(before)} chunks")
            self.refused(results, "No space left on device", fault)
            before = self.look(results, before, fault)
            subprocess.run(["mount", "-o", "remount,size=64m", str(results)], check=True)
            self.complete(results, before, fault)
        return f"refused twice with {len(before)} chunks stored, then completed with more room"

    def read_only(self) -> str:
        """A folder of some chunks that can only be read."""
        fault, results, source = "read-only folder", self.root / "only-read", self.root / "source"
        shutil.copytree(self.root / "reference", source)
        for path in [*self.chunks(source)[::2], source / "long" / "custom.parquet"]:
            path.unlink()
        with mounted(results, "--bind", "-o", "ro", str(source)) as done:
            if not done:
                return "not tried: mounting is not permitted here"
            before = self.look(results, {}, fault)
            self.refused(results, "Read-only file system", fault)
            self.look(results, before, fault)
        self.complete(source, before, fault)
        return "refused at once, completed when it could be written"


def rows(path: Path) -> pa.Table:
    """A stored table without provenance and timing."""
    return pq.read_table(path).replace_schema_metadata(None).drop_columns(list(TIMING_COLUMNS))


@contextlib.contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[bool]:
    """Something mounted at a folder, if that is permitted."""
    folder.mkdir()
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True).returncode == 0
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", str(folder)], check=True)


def main(arguments: list[str]) -> int:
    """Run the faults that are named, or all; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "faults", nargs="*", help="some of: kill, ctrl-c, ctrl-c-twice, two-runners, full-disk, read-only"
    )
    parser.add_argument("--workers", type=int, default=1, help="of colora sweep (default: 1)")
    parser.add_argument(
        "--times", type=int, default=50, help="number of kills, and ten times that of the others (default: 50)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default: 0)")
    asked = parser.parse_args(arguments)
    configure_jax()
    with tempfile.TemporaryDirectory(prefix="faults-") as root:
        campaign = Campaign(Path(root), asked.workers, asked.seed)
        fewer = max(1, asked.times // 5)
        faults: dict[str, Callable[[], str]] = {
            "kill": lambda: campaign.kills(asked.times),
            "ctrl-c": lambda: campaign.interrupts(fewer, twice=False),
            "ctrl-c-twice": lambda: campaign.interrupts(fewer, twice=True),
            "two-runners": lambda: campaign.two_runners(max(1, asked.times // 10)),
            "full-disk": campaign.full_disk,
            "read-only": campaign.read_only,
        }
        for name in asked.faults or faults:
            print(f"{name} (workers {asked.workers}): {faults[name]()}", flush=True)
        print(f"in trouble: {len(campaign.trouble)}")
        return 1 if campaign.trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

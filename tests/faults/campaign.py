"""The scripted campaign of faults: `make faults`, or python -m tests.faults.campaign --help.

A real sweep is killed, interrupted, run twice at once, given a full disk, a folder that cannot be written, too little
memory, and a dask cluster that breaks. After each fault the folder is looked through: every chunk that was finished is
there, byte for byte; every file holds what an undisturbed run computes; no cell is there twice. Chunks that were begun
are counted, too: a kill costs at most one of every worker. The last lines count the faults, and say what was wrong.
"""

import argparse
import contextlib
import functools
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from colora_theory.experiments.runtime import configure_jax
from tests.experiments.processes import write_sweep
from tests.faults.clusters import cluster_faults
from tests.faults.memory import too_little_memory
from tests.faults.sweeps import SECONDS, Faults

NUM_SEEDS = 640


def kills(faults: Faults, number: int) -> str:
    """SIGKILL at random moments of a sweep, again and again until it is done, then of another."""
    fault, results = "SIGKILL", faults.root / "killed"
    killed = completed = at_start = in_vain = most = 0
    before: dict[str, bytes] = {}
    faults.begun()
    while killed < number:
        died = faults.killed(faults.start(results), faults.rng.uniform(0, 1.1 * faults.seconds))
        found = faults.look(results, before, fault)
        repeated = faults.repeated(before, found, fault, faults.workers)
        in_vain, most = in_vain + repeated, max(most, repeated)
        killed += died
        at_start += died and len(found) == len(before)
        before = found
        if not died or killed == number:
            completed += 1
            faults.complete(results, before, fault)
            faults.repeated(before, faults.look(results, before, fault), fault, 0)
            shutil.rmtree(results)
            before = {}
    return (
        f"{killed} kills, {at_start} of them before another chunk was stored; {completed} sweeps completed; "
        f"{in_vain} chunks begun in vain, at most {most} a kill; finished cells were looked at {faults.cells} times"
    )


def interrupts(faults: Faults, number: int, *, twice: bool) -> str:
    """Ctrl-C at random moments after the first line, once or twice."""
    fault = "Ctrl-C twice" if twice else "Ctrl-C"
    interrupted = 0
    for attempt in range(number):
        results = faults.root / f"interrupted-{twice}-{attempt}"
        process = faults.start(results)
        assert process.stderr is not None
        first = process.stderr.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(faults.rng.uniform(0, 0.5 * faults.seconds))
        process.send_signal(signal.SIGINT)
        if twice:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(faults.rng.uniform(0, 0.3))
            process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        if process.returncode != 0:
            interrupted += 1
            # Shells show a process that the second signal ended as 130, too.
            codes = (130, -signal.SIGINT) if twice else (130,)
            faults.expect(process.returncode in codes, fault, f"exit code {process.returncode}")
            faults.expect("interrupted" in said and "Traceback" not in said, fault, first + said[-2000:])
            faults.complete(results, faults.look(results, {}, fault), fault)
        shutil.rmtree(results)
    return f"{interrupted} of {number} interrupted, the others were done before"


def two_runners(faults: Faults, number: int) -> str:
    """Two runs at once in one folder."""
    fault = "two runners"
    for attempt in range(number):
        results = faults.root / f"shared-{attempt}"
        pair = [faults.start(results), faults.start(results)]
        for process in pair:
            _, said = process.communicate(timeout=SECONDS)
            faults.expect(process.returncode == 0, fault, said[-2000:])
        faults.complete(results, faults.look(results, {}, fault), fault)
        shutil.rmtree(results)
    return f"{number} pairs, both ended well"


def refused(faults: Faults, results: Path, reason: str, fault: str) -> None:
    """A run must say that it cannot write, where, and what to do."""
    process = faults.start(results)
    _, said = process.communicate(timeout=SECONDS)
    faults.expect(process.returncode == 3, fault, f"exit code {process.returncode}: {said[-2000:]}")
    for words in (reason, str(results), "run the same command again"):
        faults.expect(words in said, fault, f"{words!r} is not in: {said[-2000:]}")
    faults.expect("Traceback" not in said, fault, said[-2000:])


def full_disk(faults: Faults) -> str:
    """A file system with room for some chunks, then with more."""
    fault, results = "full disk", faults.root / "full"
    with mounted(results, "-t", "tmpfs", "-o", "size=256k", "tmpfs") as done:
        if not done:
            return "not tried: mounting is not permitted here"
        refused(faults, results, "No space left on device", fault)
        before = faults.look(results, {}, fault)
        faults.expect(0 < len(before) < len(faults.plan.chunks), fault, f"{len(before)} chunks")
        refused(faults, results, "No space left on device", fault)
        before = faults.look(results, before, fault)
        subprocess.run(["mount", "-o", "remount,size=64m", str(results)], check=True)
        faults.complete(results, before, fault)
    return f"refused twice with {len(before)} chunks stored, then completed with more room"


def read_only(faults: Faults) -> str:
    """A folder of some chunks that can only be read."""
    fault, results, source = "read-only folder", faults.root / "only-read", faults.root / "source"
    shutil.copytree(faults.root / "reference", source)
    for path in [*faults.chunks(source)[::2], source / faults.folder.with_suffix(".parquet")]:
        path.unlink()
    with mounted(results, "--bind", "-o", "ro", str(source)) as done:
        if not done:
            return "not tried: mounting is not permitted here"
        before = faults.look(results, {}, fault)
        refused(faults, results, "Read-only file system", fault)
        faults.look(results, before, fault)
    faults.complete(source, before, fault)
    return "refused at once, completed when it could be written"


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
    names = "kill, ctrl-c, ctrl-c-twice, two-runners, full-disk, read-only, memory, dask-worker, dask-scheduler"
    parser.add_argument("faults", nargs="*", help=f"some of: {names}")
    parser.add_argument("--workers", type=int, default=1, help="of colora sweep (default: 1)")
    parser.add_argument(
        "--times", type=int, default=50, help="number of kills, and five times that of the others (default: 50)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random moments (default: 0)")
    asked = parser.parse_args(arguments)
    configure_jax()
    trouble: list[str] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        root = Path(folder)

        @functools.cache
        def sweep() -> Faults:
            options = ["--workers", str(asked.workers)] if asked.workers > 1 else []
            file = write_sweep(root / "long.toml", NUM_SEEDS)
            return Faults(root, file, asked.workers, asked.seed, options, trouble)

        fewer = max(1, asked.times // 5)
        known: dict[str, Callable[[], str]] = {
            "kill": lambda: kills(sweep(), asked.times),
            "ctrl-c": lambda: interrupts(sweep(), fewer, twice=False),
            "ctrl-c-twice": lambda: interrupts(sweep(), fewer, twice=True),
            "two-runners": lambda: two_runners(sweep(), max(1, asked.times // 10)),
            "full-disk": lambda: full_disk(sweep()),
            "read-only": lambda: read_only(sweep()),
            "memory": lambda: too_little_memory(root, trouble),
            **cluster_faults(sweep, fewer),
        }
        for name in asked.faults or known:
            print(f"{name} (workers {asked.workers}): {known[name]()}", flush=True)
        print(f"in trouble: {len(trouble)}")
        return 1 if trouble else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

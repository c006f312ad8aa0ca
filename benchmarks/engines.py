"""What carrying chunks costs: one worker of a dask cluster against this process, a core each, the same cells in turns.

The worker has the core that the other run has; scheduler and command, which only carry, have another one if there is
one. Told is the ratio of the seconds that the two commands report, from the first look into the folder to the table,
connecting included; programs come from the cache, and the worker has loaded the package.
"""

import argparse
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.errors import BenchError

_COLORA = [sys.executable, "-c", "from colora_theory.experiments.cli import main; main()"]
_SWEEP = """
name = "carried"
[[grid]]
num_users = 20
num_rows = 20
num_cols = 20
rank = 2
num_samples = 64
num_seeds = """
_LANES = 32  # of a chunk
_SECONDS_TO_START = 60


def measure(cells: int, turns: int, folder: Path) -> list[tuple[float, float]]:
    """Seconds in this process and by dask, of every turn.

    Args:
        cells: how many of 20 users with 64 samples of 20 x 20 in float64 (4 MB), a multiple of 32.
        turns: how often both are run, after a short run of each that is not counted.
        folder: for files that are removed by the caller.

    Raises:
        BenchError: for a run that fails, or a scheduler that does not start.
    """
    cores = sorted(os.sched_getaffinity(0))
    short, long = (_written(folder / f"{number}.toml", number) for number in (_LANES, cells))
    address = folder / "scheduler.json"
    scheduler = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(address))
    started = [_started([sys.executable, "-m", "dask", "scheduler", *scheduler], cores[-1:])]
    try:
        deadline = time.monotonic() + _SECONDS_TO_START
        while not (address.exists() and address.read_text().endswith("}")):
            if time.monotonic() > deadline:
                raise BenchError(f"no dask scheduler within {_SECONDS_TO_START} s: is the extra [distributed] there?")
            time.sleep(0.1)
        where = json.loads(address.read_text())["address"]
        worker = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        started.append(_started([sys.executable, "-m", "dask", "worker", where, *worker], cores[:1]))
        taken = []
        for turn, file in enumerate([short, *[long] * turns]):  # the first compiles, and makes the worker load
            here = _seconds(file, folder / f"here-{turn}", cores[:1])
            taken.append((here, _seconds(file, folder / f"dask-{turn}", cores[-1:], "--dask", where)))
        return taken[1:]
    finally:
        for process in started[::-1]:
            process.kill()
            process.wait()


def _written(file: Path, cells: int) -> Path:
    file.write_text(f"{_SWEEP}{cells}\n")
    return file


def _started(command: Sequence[str], cores: Sequence[int]) -> "subprocess.Popen[bytes]":
    pinned = functools.partial(os.sched_setaffinity, 0, cores)
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet, preexec_fn=pinned)


def _seconds(file: Path, results: Path, cores: Sequence[int], *options: str) -> float:
    command = [*_COLORA, "sweep", str(file), "--results", str(results), *options]
    pinned = functools.partial(os.sched_setaffinity, 0, cores)
    process = subprocess.run(command, capture_output=True, text=True, preexec_fn=pinned)
    found = re.search(r" 0 found finished, ([\d.]+) s;", process.stderr)
    if process.returncode or found is None:
        raise BenchError(f"a run failed: {process.stderr[-300:]}")
    return float(found[1])


def told(taken: Sequence[tuple[float, float]]) -> str:
    """The ratio, its mean with a 95% interval (Student's t over the turns)."""
    ratios = np.array([dask / here for here, dask in taken])
    half = stats.t.ppf(0.975, len(ratios) - 1) * stats.sem(ratios)
    turns = ", ".join(f"{here:.1f} and {dask:.1f}" for here, dask in taken)
    return f"in this process and by dask, s: {turns}; ratio {ratios.mean():.3f} +- {half:.3f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=640)
    parser.add_argument("--turns", type=int, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="carried-") as folder:
        print(told(measure(asked.cells, asked.turns, Path(folder))))


if __name__ == "__main__":
    main()

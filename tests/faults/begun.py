"""`colora` as it is, but that it notes every chunk when it is begun; loaded by the processes of the campaign only.

A run that is killed cannot say what it had begun. So every process that computes adds a line to the file that the
environment names: name of the chunk, lanes, process, time.
"""

import os
import time
from pathlib import Path

from colora_theory.experiments.engines import work
from colora_theory.experiments.engines.base import Outcome
from colora_theory.experiments.plan import Chunk

LOG = "COLORA_BEGUN"
_compute = work.compute


def compute(part: Chunk) -> Outcome:
    """Note, then compute."""
    line = f"{part.id} {len(part.draws)} {os.getpid()} {time.monotonic()}\n"
    with Path(os.environ[LOG]).open("a") as file:  # appended as one, so that lines of processes do not mix
        file.write(line)
    return _compute(part)


# Before an engine has loaded it: workers, of this machine or of dask, load this module, then do as always.
work.compute = compute


def compute_for(asking: work.Identity, part: Chunk) -> Outcome:
    """What the workers of this machine are given, for which they load this module."""
    return work.compute_for(asking, part)


def main() -> None:
    """The command; on one core two workers share it, where they would else be refused."""
    from colora_theory.experiments import cli
    from colora_theory.experiments.engines import cores, processes

    make, there = processes.Processes, cores.available_cores()
    processes.Processes = lambda shares: make(shares, compute_for)
    cores.available_cores = lambda: there if len(there) > 1 else there * 2
    cli.main()

"""Runs under a real limit on memory (RLIMIT_AS), lower and lower: the same table, or the cell that is too large."""

import functools
import resource
import shutil
import subprocess
from pathlib import Path

from tests.faults.sweeps import SECONDS, Faults

# Eight lanes of 31 MB each in one chunk; a process that has loaded JAX takes 1.5 GB of address space.
_SWEEP = """
name = "large"
[[grid]]
num_users = 20
num_rows = 40
num_cols = 40
rank = 2
num_samples = 128
start = "random"
max_steps = 5
num_seeds = 8
"""
_LIMITS = [2400, 2200, 2100, 2000, 1900, 1700]


def too_little_memory(root: Path, trouble: list[str]) -> str:
    """With a worker, which may be ended by what it lacks, under every limit in megabytes (2^20 bytes)."""
    fault, file = "too little memory", root / "large.toml"
    file.write_text(_SWEEP)
    large = Faults(root / "large", file, 1, 0, ["--workers", "1"], trouble)
    whole, halved, named = 0, 0, 0
    for limit in _LIMITS:
        results = large.root / "limited"
        process = _limited(large, results, limit)
        _, said = process.communicate(timeout=SECONDS)
        large.expect("Traceback" not in said, fault, f"{limit} MB: {said[-2000:]}")
        if process.returncode == 0:
            large.look(results, {}, fault)
            large.whole(results, fault)
            halved += "trying halves" in said
            whole += "trying halves" not in said
        else:
            told = process.returncode == 1 and "memory does not suffice for the cell" in said
            large.expect(told, fault, f"{limit} MB, exit code {process.returncode}: {said[-2000:]}")
            large.complete(results, large.look(results, {}, fault), fault)
            named += 1
        shutil.rmtree(results)
    large.expect(halved > 0, fault, "no limit led to halves")
    return (
        f"{len(_LIMITS)} limits from {_LIMITS[0]} to {_LIMITS[-1]} MB of address space: {whole} whole, {halved} in "
        f"parts with the same table, {named} ended with the name of a cell, and completed without the limit"
    )


def _limited(faults: Faults, results: Path, megabytes: int) -> "subprocess.Popen[str]":
    size = megabytes * 2**20
    return faults.start(results, prepare=functools.partial(resource.setrlimit, resource.RLIMIT_AS, (size, size)))

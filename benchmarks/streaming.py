"""One problem larger than its share of memory: a file of given size is drawn, and solved from it.

Drawn are 100 users of 128 x 128, rank 2, with as many samples as make the size, without noise. A process of its own
then measures, everything in the precision of `Streamed` (float64 products, whatever the file holds):

* passes: both sketches, A V and U^T A, beside reading the file block by block into one buffer, in turns; before each
  of them, and behind each block, the system is told to forget the file (posix_fadvise), so both come from the disk;
* a whole `fit`, with the number of its passes;
* the largest resident memory of the process (ru_maxrss), which includes the two above, JAX and compilation.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import driver
from benchmarks.errors import BenchError
from benchmarks.fingerprint import machine
from benchmarks.neighbours import Neighbours
from colora_theory.experiments.provenance import provenance

NUM_USERS, SIDE, RANK = 100, 128, 2
TURNS = 5


def run(
    gigabytes: float, dtype: str, folder: Path, out: Path, report: Callable[[str], None], side: int = SIDE
) -> dict[str, Any]:
    """Draw, measure, remove the file, and write streaming-DTYPE.json.

    Args:
        gigabytes: size of the file of matrices, in 10^9 bytes.
        dtype: float64 or float32, what it holds.
        folder: where it is put meanwhile.
        out: folder of the result.
        report: told in a line what happens.
        side: d1 = d2.

    Raises:
        BenchError: for a size without enough samples, too little disk, or a measurement that fails.
    """
    num_samples = round(gigabytes * 1e9 / (NUM_USERS * side**2 * np.dtype(dtype).itemsize))
    if num_samples < 2 * RANK**2:
        raise BenchError(
            f"{gigabytes:g} gigabytes are {num_samples} samples of a user: at least {2 * RANK**2} are needed"
        )
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < 1.2e9 * gigabytes:
        raise BenchError(
            f"{folder} has {free / 1e9:.1f} GB left, {1.2 * gigabytes:.1f} are needed: choose another --folder"
        )
    with tempfile.TemporaryDirectory(prefix="colora-stream-", dir=folder) as place:
        began = time.monotonic()
        draw(Path(place), num_samples, dtype, side)
        seconds = time.monotonic() - began
        report(f"drawn: {NUM_USERS} users, {num_samples} samples each, {side} x {side}, {dtype}, in {seconds:.0f} s")
        process = driver.run_module("benchmarks.streaming", place, cache=out / "jax_cache")
    if process.returncode:
        raise BenchError(f"measuring failed: {driver.last_line(process.stderr)}")
    found: dict[str, Any] = json.loads(process.stdout)
    found |= {"num_users": NUM_USERS, "num_samples": num_samples, "side": side, "rank": RANK, "dtype": dtype}
    out.mkdir(parents=True, exist_ok=True)
    told = {**found, "provenance": provenance() | {"machine": machine()}}
    (out / f"streaming-{dtype}.json").write_text(json.dumps(told, indent=1) + "\n")
    return found


def draw(folder: Path, num_samples: int, dtype: str, side: int) -> None:
    """A.npy, y.npy (of the numbers as the file holds them) and truth.npy, user after user."""
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((side, RANK)))[0] for _ in range(2))
    weights = left @ rng.standard_normal((NUM_USERS, RANK, RANK)) @ right.T
    y = np.empty((NUM_USERS, num_samples))
    with (folder / "A.npy").open("wb") as file:
        head = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (NUM_USERS, num_samples, side, side)}
        np.lib.format.write_array_header_1_0(file, head)
        for user in range(NUM_USERS):
            matrices = rng.standard_normal((num_samples, side**2), np.dtype(dtype).type)
            y[user] = matrices.astype(np.float64) @ weights[user].reshape(-1)
            file.write(matrices.data)
        file.flush()
        os.fsync(file.fileno())
    np.save(folder / "y.npy", y)
    np.save(folder / "truth.npy", weights)


def measure(folder: Path) -> dict[str, Any]:
    """What this module promises, of the file in a folder."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import colora_theory as ct
    from colora_theory.streaming import StoredMatrices

    neighbours = Neighbours()
    problem = ct.Problem.streamed(folder / "A.npy", np.load(folder / "y.npy"), drop_cache=True)
    sensing = problem.sensing
    assert isinstance(sensing, ct.sensing.Streamed)
    stored, (_, d1, d2) = sensing.stored, sensing.weights_shape
    factors = [np.linalg.qr(np.random.default_rng(1).standard_normal((size, RANK)))[0] for size in (d1, d2)]
    both = jax.jit(lambda problem, left, right: problem.restrict_both(left, right))
    passes, reads = [], []
    for turn in range(TURNS + 1):
        _forget(stored.path)
        took = _timed(lambda: jax.block_until_ready(both(problem, *factors)))
        _forget(stored.path)
        read = _timed(lambda: _read(stored.path, stored.block_rows * stored.row_bytes))
        if turn:  # the first one compiles
            passes.append(took)
            reads.append(read)

    counted = [0]
    genuine = StoredMatrices.read

    def counting(self: StoredMatrices, first: int, num_users: int, num_samples: int) -> Any:
        counted[0] += num_samples > 1  # the probe for units reads a single sample of each user
        return genuine(self, first, num_users, num_samples)

    began = time.perf_counter()
    StoredMatrices.read = counting  # type: ignore[method-assign]
    try:
        solution = ct.fit(problem, rank=RANK)
    finally:
        StoredMatrices.read = genuine  # type: ignore[method-assign]
    seconds = time.perf_counter() - began
    truth = np.load(folder / "truth.npy")
    ratios = [one / other for one, other in zip(passes, reads, strict=True)]
    return {
        "file_bytes": stored.path.stat().st_size,
        "block_bytes": stored.block_bytes,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "pass_seconds": passes,
        "read_seconds": reads,
        "ratio": statistics.median(ratios),
        "ratio_range": [min(ratios), max(ratios)],
        "fit_seconds": seconds,
        "fit_passes": counted[0],
        "fit_summary": solution.summary(),
        "relative_error": float(np.linalg.norm(solution.weights - truth) / np.linalg.norm(truth)),
        "busy_elsewhere": neighbours.cores(),
    }


def _read(path: Path, size: int) -> None:
    """The file once, in blocks into one buffer, forgotten behind."""
    buffer = memoryview(bytearray(size))
    done = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            os.posix_fadvise(file.fileno(), done, count, os.POSIX_FADV_DONTNEED)
            done += count


def _forget(path: Path) -> None:
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def told(found: dict[str, Any]) -> str:
    """The result in a few lines."""
    low, high = found["ratio_range"]
    return (
        f"{found['file_bytes'] / 1e9:.2f} GB of {found['dtype']} ({found['num_users']} users, {found['num_samples']} "
        f"samples, {found['side']} x {found['side']}, rank {found['rank']}): "
        f"at most {found['peak_bytes'] / 1e9:.2f} GB resident\n"
        f"a pass takes {found['ratio']:.2f} [{low:.2f}, {high:.2f}] of reading the file "
        f"({statistics.median(found['read_seconds']):.2f} s), the cache dropped before both\n"
        f"fit: {found['fit_summary']}; {found['fit_passes']} passes, {found['fit_seconds']:.0f} s with compilation; "
        f"relative error {found['relative_error']:.1e}"
    )


def main() -> None:
    """FOLDER: measure in this process and print a JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    print(json.dumps(measure(parser.parse_args().folder)))


if __name__ == "__main__":
    main()

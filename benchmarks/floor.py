"""What the machine allows: memory bandwidth and matrix products, against the time of a step of our solvers.

A step cannot be quicker than reading the sensing matrices once, nor than its arithmetic at the rate of a square
product: floor = max(bytes / bandwidth, flops / rate). Counted are, with N = k n samples and p = r1 r2 entries of a
core, and a normal matrix of size q as N q^2 flops (it is symmetric, half of a product):

* both solvers: A V and U^T A, 2 N d1 d2 (r1 + r2); the core problems, 2 N d1 p + N p^2 + k p^3 / 3;
* alternating minimization: the designs of U and V, 2 N p (d1 + d2), their normal matrices,
  N ((d1 r1)^2 + (d2 r2)^2), and two Cholesky factorizations, ((d1 r1)^3 + (d2 r2)^3) / 3;
* variable projection, with q = d1 r1 + d2 r2: the same designs; one normal matrix, N q^2; the coupling to the cores,
  2 N p q, and its elimination, k (2 p^2 q + p q^2); one factorization, q^3 / 3.

The bandwidth floor is that of one read; the two products of alternating minimization need one read each, since V
depends on U. Data that fit into a cache can be quicker than the floor.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks import driver
from benchmarks.errors import BenchError
from benchmarks.fingerprint import cores, machine
from benchmarks.sizes import SIZES, Size
from benchmarks.store import FLOOR, Store
from colora_theory.experiments.provenance import provenance

SOLVERS = ("VariableProjection", "AlternatingMinimization")
_READ = 2**29  # bytes
_SQUARE = 1500  # side of a square product
_REPEATS = 5


def step_flops(size: Size, solver: str) -> float:
    """The arithmetic of one step, see above."""
    d1, d2, (r1, r2), k = size.num_rows, size.num_cols, size.rank, size.num_users
    N, p = k * size.num_samples, r1 * r2
    left, right = d1 * r1, d2 * r2
    shared = 2 * N * d1 * d2 * (r1 + r2) + 2 * N * d1 * p + N * p**2 + k * p**3 / 3 + 2 * N * p * (d1 + d2)
    if solver == "AlternatingMinimization":
        return shared + N * (left**2 + right**2) + (left**3 + right**3) / 3
    if solver == "VariableProjection":
        q = left + right
        return shared + N * q**2 + 2 * N * p * q + k * (2 * p**2 * q + p * q**2) + q**3 / 3
    raise BenchError(f"the arithmetic of {solver!r} is not counted; known: {', '.join(SOLVERS)}")


def run(sizes: Sequence[Size], store: Store, report: Callable[[str], None]) -> None:
    """Measure the machine, then a step of each solver in a process of its own, and store one row for each."""
    speed = bandwidth()
    square = np.ones((_SQUARE, _SQUARE))
    dgemm = 2 * _SQUARE**3 / _best(lambda: square @ square)
    report(f"{machine()}: reads {speed / 1e9:.1f} GB/s, square products {dgemm / 1e9:.1f} GF/s")
    rows = []
    for size in sizes:
        right_rate, left_rate = product_rates(size)
        for solver in SOLVERS:
            step, peak = _measure(size, solver, store.root)
            flops = step_flops(size, solver)
            rows.append(
                {
                    "size": size.name,
                    "solver": solver,
                    "data_bytes": size.data_bytes,
                    "flops": flops,
                    "bandwidth": speed,
                    "dgemm_rate": dgemm,
                    "right_rate": right_rate,
                    "left_rate": left_rate,
                    "floor_seconds": max(size.data_bytes / speed, flops / dgemm),
                    "step_seconds": step,
                    "peak_bytes": peak,
                }
            )
            report(f"{size.name}, {solver}: a step takes {1e3 * step:.2f} ms")
    store.write("floor", pa.Table.from_pylist(rows, schema=FLOOR), provenance() | {"machine": machine()})


def bandwidth() -> float:
    """Bytes per second at which all cores together read a large array."""
    parts = np.array_split(np.ones(_READ // 8), cores())

    def read() -> None:
        readers = [threading.Thread(target=part.sum) for part in parts]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()

    return _READ / _best(read)


def product_rates(size: Size) -> tuple[float, float]:
    """Flops per second of A V and of U^T A in the layout of our solvers, users and samples last."""
    N, d1, d2, (r1, r2) = size.num_users * size.num_samples, size.num_rows, size.num_cols, size.rank
    entries = np.ones((d1, d2, N))
    left, right = np.ones((r1, d1)), np.ones((r2, d2))
    return (
        2 * N * d1 * d2 * r2 / _best(lambda: right @ entries),
        2 * N * d1 * d2 * r1 / _best(lambda: left @ entries.reshape(d1, -1)),
    )


def _best(action: Callable[[], object]) -> float:
    """The smallest of some times, in seconds; the first call, which touches the memory, does not count."""
    action()
    times = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)


def _measure(size: Size, solver: str, root: Path) -> tuple[float, int]:
    process = driver.run_module("benchmarks.floor", size.name, solver, cache=root / "jax_cache")
    if process.returncode:
        raise BenchError(f"measuring {solver} on {size.name} failed: {driver.last_line(process.stderr)}")
    step, peak = json.loads(process.stdout)
    return step, peak


def measure_step(size: Size, solver: str) -> tuple[float, int]:
    """Seconds of the first step from a stacked start, and bytes of data and solving.

    The bytes are those the compiler plans for a whole solve: arguments, results and scratch. On M2 the resident memory
    of the process grew by the same; of smaller problems a process does not tell.
    """
    import jax

    import colora_theory as ct

    jax.config.update("jax_enable_x64", True)
    family = ct.TaskFamily(
        size.num_users, size.num_rows, size.num_cols, size.rank, condition_number=size.condition_number
    )
    problem = ct.sample_instance(jax.random.key(0), family, size.num_samples).problem
    method, start = getattr(ct.solvers, solver)(), ct.starts.Stacked()

    def first(problem: ct.Problem) -> Any:
        return method.init(problem, start(problem, size.rank, jax.random.key(0)))

    step, state = jax.jit(method.step), jax.jit(first)(problem)
    whole = jax.jit(lambda problem: ct.solve(problem, method, start, size.rank)).lower(problem).compile()
    plan: Any = whole.memory_analysis()
    planned = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return _best(lambda: jax.block_until_ready(step(problem, state))), planned


def main() -> None:
    """SIZE SOLVER: measure a step in this process and print seconds and bytes as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("solver", choices=SOLVERS)
    given = parser.parse_args()
    print(json.dumps(measure_step(SIZES[given.size], given.solver)))


if __name__ == "__main__":
    main()

"""How time and memory of a step grow with the problem: one size at a time, from 125 or 250 MB of data on.

A process for each axis holds problems of all its sizes and takes their steps in turns, so that a machine that is slow
for a while is slow for all of them. Every turn gives an exponent, the slope of log seconds over log size; told are
their mean and its 95% interval (Student's t over the turns). Memory is what the compiler plans for the step, arguments
and results included; its exponent has no interval.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks import driver
from benchmarks.errors import BenchError, check_names
from benchmarks.fingerprint import machine
from benchmarks.neighbours import Neighbours
from benchmarks.sizes import Size
from colora_theory.experiments.provenance import provenance

SOLVERS = ("VariableProjection", "AlternatingMinimization")
BASE = {"num_users": 200, "num_rows": 56, "num_cols": 56, "rank": 2, "num_samples": 50}
TURNS = 9


def _sizes(**changes: Sequence[int]) -> list[Size]:
    rows = [dict(zip(changes, values, strict=True)) for values in zip(*changes.values(), strict=True)]
    return [Size("growth", **{**BASE, **row, "rank": (rank := row.get("rank", 2), rank)}) for row in rows]  # type: ignore[arg-type]


# What the exponent is of, and the sizes.
AXES: dict[str, tuple[str, Callable[[Size], int], list[Size]]] = {
    "users": ("k", lambda size: size.num_users, _sizes(num_users=[200, 400, 800])),
    "samples": ("n", lambda size: size.num_samples, _sizes(num_samples=[50, 100, 200])),
    "sides": (
        "d1 d2",
        lambda size: size.num_rows * size.num_cols,
        _sizes(num_users=[100] * 3, num_rows=[56, 112, 224], num_cols=[56, 112, 224]),
    ),
    "large-sides": (
        "d1 d2",
        lambda size: size.num_rows * size.num_cols,
        _sizes(num_users=[100] * 3, num_rows=[112, 160, 224], num_cols=[112, 160, 224]),
    ),
    "rows": ("d1", lambda size: size.num_rows, _sizes(num_rows=[56, 112, 224])),
    "rank": ("r", lambda size: size.rank[0], _sizes(rank=[2, 4, 8])),
}


def run(axes: Sequence[str], out: Path, report: Callable[[str], None]) -> None:
    """Measure each axis in a process of its own and write growth-AXIS.json.

    Args:
        axes: their names, or "all" for all of them.
        out: folder of the results.
        report: told a line for each.

    Raises:
        BenchError: for an unknown axis, or a measurement that fails.
    """
    wanted = check_names("axis", axes, AXES)
    for axis in (name for name in AXES if name in wanted):
        process = driver.run_module("benchmarks.growth", axis, cache=out / "jax_cache")
        if process.returncode:
            raise BenchError(f"measuring the growth in {axis} failed: {driver.last_line(process.stderr)}")
        found = json.loads(process.stdout)
        out.mkdir(parents=True, exist_ok=True)
        kept = {**found, "provenance": provenance() | {"machine": machine()}}
        (out / f"growth-{axis}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        report(told(found))


def exponent(sizes: np.ndarray, seconds: np.ndarray) -> tuple[float, float, float]:
    """The mean exponent over the turns and its 95% interval.

    Args:
        sizes: shape (sizes,).
        seconds: shape (turns, sizes).
    """
    slopes = np.array([np.polyfit(np.log(sizes), np.log(turn), 1)[0] for turn in seconds])
    half = stats.t.ppf(0.975, len(slopes) - 1) * stats.sem(slopes) if len(slopes) > 1 else math.nan
    return float(slopes.mean()), float(slopes.mean() - half), float(slopes.mean() + half)


def measure(axis: str, turns: int = TURNS) -> dict[str, Any]:
    """Seconds of every step and planned bytes, in this process."""
    name, of, sizes = AXES[axis]
    neighbours = Neighbours()
    values = np.array([float(of(size)) for size in sizes])
    problems = [_draw(size) for size in sizes]
    found: dict[str, Any] = {
        "axis": name,
        "sizes": values.tolist(),
        "data_bytes": [size.data_bytes for size in sizes],
        "of": [size.describe() for size in sizes],
    }
    for solver in SOLVERS:
        compiled = [_compile(solver, size, problem) for size, problem in zip(sizes, problems, strict=True)]
        steps, planned = zip(*compiled, strict=True)
        for step in steps:
            step()
        seconds = np.array([[_timed(step) for step in steps] for _ in range(turns)])
        found[solver] = {
            "seconds": np.median(seconds, axis=0).tolist(),
            "planned_bytes": list(planned),
            "time_exponent": exponent(values, seconds),
            "memory_exponent": float(np.polyfit(np.log(values), np.log(planned), 1)[0]),
        }
    return {**found, "turns": turns, "busy_elsewhere": neighbours.cores()}


def _draw(size: Size) -> Any:
    """A problem whose targets mean nothing: the time of a first step does not depend on them."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    import colora_theory as ct

    rng = np.random.default_rng(0)
    entries = rng.standard_normal((size.num_rows, size.num_cols, size.num_users, size.num_samples))
    targets = rng.standard_normal(entries.shape[2:])
    return ct.Problem(ct.sensing.Dense(jnp.asarray(entries)), jnp.asarray(targets), jnp.ones(targets.shape))


def _compile(solver: str, size: Size, problem: Any) -> tuple[Callable[[], None], int]:
    """A step from random subspaces, and the bytes that are planned for it."""
    import jax
    import jax.numpy as jnp

    import colora_theory as ct

    rng, method = np.random.default_rng(1), getattr(ct.solvers, solver)()
    left, right = (
        jnp.asarray(np.linalg.qr(rng.standard_normal(shape))[0])
        for shape in ((size.num_rows, size.rank[0]), (size.num_cols, size.rank[1]))
    )
    cores = jnp.asarray(rng.standard_normal((size.num_users, *size.rank)))
    state = jax.jit(method.init)(problem, ct.Factors(left, cores, right))
    step = jax.jit(method.step).lower(problem, state).compile()
    plan: Any = step.memory_analysis()
    planned = plan.argument_size_in_bytes + plan.output_size_in_bytes + plan.temp_size_in_bytes
    return lambda: jax.block_until_ready(step(problem, state)), planned


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def told(found: dict[str, Any]) -> str:
    """The result of an axis, a line for each solver."""
    lines = []
    for solver in SOLVERS:
        of = found[solver]
        value, low, high = of["time_exponent"]
        steps = ", ".join(f"{1e3 * seconds:.0f}" for seconds in of["seconds"])
        lines.append(
            f"{found['axis']} = {', '.join(f'{size:g}' for size in found['sizes'])}, {solver}: {steps} ms a step, "
            f"exponent {value:.2f} [{low:.2f}, {high:.2f}]; memory {of['memory_exponent']:.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """AXIS: measure in this process and print a JSON object."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("axis", choices=AXES)
    print(json.dumps(measure(parser.parse_args().axis)))


if __name__ == "__main__":
    main()

"""The solvers of this package, from their own start, which is inside our clock."""

import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import colora_theory as ct
from benchmarks.draws import Data
from benchmarks.methods.base import TARGET, Outcome, verdict

_REPEATS = 3
_QUICK = 5.0  # seconds; what takes longer is timed once


def measure(
    data: Data,
    cap: float,
    on_first: Callable[[], None],
    *,
    solver: str,
    start: str,
    max_steps: int,
    **hyperparameters: Any,
) -> Outcome:
    """Time a solver: complete runs, and runs that stop where the error first reaches the target.

    A jitted loop cannot be watched by a clock. So one more run, off the clock, observes the error after every step;
    then the same program as before is stopped at the step wanted by its tolerance on the residual, which is traced and
    compiles nothing. With the time of the start alone (a tolerance that the start meets) this gives three points of the
    clock; the trace is linear in steps between them.

    Args:
        data: the problem, as a user has it; bringing it into the layout of `Problem` is off the clock, but in the
            cold time and in the memory.
        cap: seconds that a run may take.
        on_first: called when the first complete result is there.
        solver: name of a class in `colora_theory.solvers`.
        start: name of a class in `colora_theory.starts`.
        max_steps: step limit.
        hyperparameters: of the solver.
    """
    jax.config.update("jax_enable_x64", True)
    problem = ct.Problem.dense(data.A, data.y)
    method = getattr(ct.solvers, solver)(**hyperparameters)
    first_guess = getattr(ct.starts, start)()
    truth = ct.Factors(*map(jax.numpy.asarray, data.truth.blocks))

    def solve(residual_tol: float | None = None, **options: Any) -> ct.Solution:
        solution = ct.solve(
            problem, method, first_guess, data.rank, max_steps=max_steps, residual_tol=residual_tol, **options
        )
        return jax.block_until_ready(solution)

    def seconds(residual_tol: float | None = None) -> tuple[float, int]:
        """Seconds of the median run, and how many runs there were."""
        times: list[float] = []
        while not times or (len(times) < _REPEATS and sum(times) < _QUICK):
            began = time.perf_counter()
            solve(residual_tol)
            times.append(time.perf_counter() - began)
        return statistics.median(times), len(times)

    complete = solve()
    on_first()
    observed = solve(observe=jax.tree_util.Partial(ct.metrics.relative_error, truth=truth)).trace
    assert observed is not None
    steps = int(complete.num_steps)
    errors = np.asarray(observed.observed)[: steps + 1]
    residuals = np.asarray(observed.relative_residual)[: steps + 1]

    total, repeats = seconds()
    clock = {0: seconds(math.inf)[0], steps: total}
    to_target = math.nan
    tolerance = stopping_tolerance(residuals, errors)
    if tolerance is not None:
        stopped = int(solve(tolerance).num_steps)
        to_target, repeats = seconds(tolerance)
        clock[stopped] = to_target
    points = sorted(clock)
    # A clock of separate runs may go back by its noise where points are close.
    times = np.maximum.accumulate([clock[point] for point in points])
    trace = np.interp(np.arange(steps + 1), points, times).tolist()
    reason = verdict(errors.tolist(), to_target, cap, capped=total > cap)
    return Outcome(trace, errors.tolist(), to_target, total, steps, repeats, reason)


def stopping_tolerance(residuals: np.ndarray, errors: np.ndarray) -> float | None:
    """A tolerance on the residual that first stops a run where the error is at most the target; None if it never is.

    It lies between the residual at that step and the smallest one before, so that rounding does not move the step.
    Where the residual is not a new minimum the run is stopped at the next one: late, never early.

    Args:
        residuals: relative residuals before the first step and after each one, shape (steps + 1,).
        errors: relative errors there.
    """
    smallest = math.inf
    for residual, error in zip(residuals, errors, strict=True):
        if error <= TARGET and residual < smallest:
            # Never exactly on a residual: the geometric middle is below the one before and above this one.
            return float(math.sqrt(max(residual, np.finfo(float).tiny) * min(smallest, 1e3)))
        smallest = min(smallest, residual)
    return None

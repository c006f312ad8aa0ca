"""The one-line door for people with their own data."""

import functools
import operator
import warnings
from typing import Literal, cast, overload

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from colora_theory.checks import OwnData
from colora_theory.frames import Frame, is_frame
from colora_theory.precision import precision_of
from colora_theory.problem import IdentifiabilityWarning, Problem
from colora_theory.restarts import escalation, solve_with_restarts
from colora_theory.selection import select_rank
from colora_theory.sensing import Streamed
from colora_theory.solution import Solution, Status
from colora_theory.solve import default_residual_tol, solve
from colora_theory.solvers import AbstractSolver, ConjugateGradient, Direct, VariableProjection
from colora_theory.starts import AbstractStart, FewUsers, Stacked
from colora_theory.streaming import plain_errors
from colora_theory.theory import degrees_of_freedom

# Attempts before the best one so far is taken, and the largest system of U and V that is formed and factored.
_ATTEMPTS = 10
_LARGEST_DIRECT = 1500
# Numbers in the operator from which on a fit to few users first is tried: 32 MB in double precision.
_LARGE = 2**22
# Singular values of the stacked cores below this power of the machine epsilon, relative to the largest, are zero.
_UNUSED = 2 / 3
_STACKED = Stacked()


class FitError(RuntimeError):
    """No usable fit came out. The message says why and what to do; `solution` holds what there was."""

    def __init__(self, solution: Solution):
        super().__init__(f"{solution.summary()}. {Status(int(solution.status)).advice}")
        self.solution = solution


class ConvergenceWarning(UserWarning):
    """A fit that is usable but not optimal to the tolerances."""


@overload
def fit(
    A: Problem,
    *,
    rank: int | tuple[int, int] | Literal["auto"],
    solver: AbstractSolver | Literal["auto"] = "auto",
    start: AbstractStart = _STACKED,
    seed: int = 0,
    max_steps: int = 1000,
) -> Solution: ...


@overload
def fit(
    A: Frame,
    *,
    rank: int | tuple[int, int] | Literal["auto"],
    offset: np.ndarray | None = None,
    solver: AbstractSolver | Literal["auto"] = "auto",
    start: AbstractStart = _STACKED,
    seed: int = 0,
    max_steps: int = 1000,
) -> Solution: ...


@overload
def fit(
    A: OwnData,
    y: OwnData,
    rank: int | tuple[int, int] | Literal["auto"],
    *,
    sample_weights: OwnData | None = None,
    offset: np.ndarray | None = None,
    solver: AbstractSolver | Literal["auto"] = "auto",
    start: AbstractStart = _STACKED,
    seed: int = 0,
    max_steps: int = 1000,
) -> Solution: ...


def fit(
    A: OwnData | Problem | Frame,
    y: OwnData | None = None,
    rank: int | tuple[int, int] | Literal["auto"] | None = None,
    *,
    sample_weights: OwnData | None = None,
    offset: np.ndarray | None = None,
    solver: AbstractSolver | Literal["auto"] = "auto",
    start: AbstractStart = _STACKED,
    seed: int = 0,
    max_steps: int = 1000,
) -> Solution:
    """Fits y_ij = <A_ij, W_0 + U C_i V^T> + noise by least squares; of a `Problem`, whatever it measures.

    Works in the precision of the data (float64 if any of them is), whatever JAX is configured to, and returns numpy
    arrays.

    With `solver="auto"`, variable projection from `start`, of few users first where the data are large (see
    `starts.FewUsers`). If that meets the data exactly, it is taken. If not, there
    is noise, or it is a local minimum: then further attempts are made, first from turns of the start, then from
    annealed ones; ten in all, unless the data are met exactly or the first three agree.
    `solution.attempts.summary()` tells what was done.

    Args:
        A: sensing matrices, shape (k, n, d1, d2), or a sequence over users of arrays (n_i, d1, d2). Or a `Problem` from
            any of its doors, which holds all the data; then only `rank`, and how to solve, remain to be said. Or a
            pandas DataFrame, see `Problem.from_frame`, beside which there may be an `offset`.
        y: measurements, shape (k, n), or a sequence over users of arrays (n_i,).
        rank: r, or (r1, r2); "auto" takes that of `select_rank`.
        sample_weights: nonnegative weights of the squared residuals, like `y`. With weights given, users with too few
            samples for a core of their own are taken as a deliberate choice.
        offset: the frozen weight W_0, shape (d1, d2); zero if left out.
        solver: "auto", or a solver for a single attempt.
        start: of the first attempt.
        seed: randomness of the start, if it has any.
        max_steps: step limit.

    Returns:
        A `Solution`: `solution.weights` are the W_i, `solution.factors` hold U, the C_i and V.

    Raises:
        TypeError, ValueError: for bad data or an impossible rank, naming value and place; for data beside a `Problem`
            or DataFrame.
        FitError: if the solver diverged or met numbers that are not finite.
        StreamError: for a `Problem.streamed` whose file cannot be read, has changed, or holds such numbers.

    Warns:
        IdentifiabilityWarning: if a user has fewer measurements than its core needs, if there are fewer measurements
            than unknowns, or if the rank is higher than what the fitted cores use.
        ConvergenceWarning: if the solver stopped before it was optimal.
    """
    if rank is None:
        raise TypeError('rank is missing: an integer, a pair of them, or "auto"')
    precision = precision_of(*((A.targets,) if isinstance(A, Problem) else (A, y, sample_weights, offset)))
    with precision, plain_errors():
        problem = _problem_of(A, y, sample_weights, offset)
        if rank == "auto":
            # Of a table, the samples: a problem of vector outputs holds virtual ones, which cannot be held out.
            rank = select_rank(A if is_frame(A) and offset is None else problem, seed=seed).rank
        problem.check_rank(rank)
        if sample_weights is None:
            problem.warn_if_unidentifiable(rank)
        _warn_of_counting(problem, rank)
        key = _key_of(seed)
        if solver == "auto":
            solution = _attempt_until_settled(problem, start, rank, key, max_steps)
        else:
            solution = solve(problem, solver, start, rank, key=key, max_steps=max_steps)
        solution = jax.tree.map(np.asarray, solution)
    status = Status(int(solution.status))
    if status in (Status.DIVERGED, Status.NONFINITE):
        raise FitError(solution)
    if status != Status.CONVERGED:
        warnings.warn(f"{solution.summary()}. {status.advice}", ConvergenceWarning, stacklevel=2)
    _warn_of_rank(solution)
    return solution


def _key_of(seed: int) -> PRNGKeyArray:
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"seed is {seed!r}: an integer is needed") from None
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"seed {number} is no integer of 64 bits")
    return jax.random.key(number)


def _problem_of(
    A: OwnData | Problem | Frame, y: OwnData | None, sample_weights: OwnData | None, offset: np.ndarray | None
) -> Problem:
    if isinstance(A, Problem):
        for name, value in (("y", y), ("sample_weights", sample_weights), ("offset", offset)):
            if value is not None:
                raise TypeError(f"{name} was given beside a Problem, which holds its own")
        return A
    if is_frame(A):
        for name, value in (("y", y), ("sample_weights", sample_weights)):
            if value is not None:
                raise TypeError(f"{name} was given beside a DataFrame: leave it out, measurements are columns of it")
        return Problem.from_frame(A, offset=offset)
    if y is None:
        raise TypeError("y is missing: the measurements that go with A")
    return Problem.dense(cast(OwnData, A), y, sample_weights=sample_weights, offset=offset)


def _warn_of_counting(problem: Problem, rank: int | tuple[int, int]) -> None:
    unknowns = degrees_of_freedom(*problem.sensing.weights_shape, rank)
    measurements = np.count_nonzero(np.asarray(problem.sample_weights))
    if measurements < unknowns:
        warnings.warn(
            f"{measurements} measurements for the {unknowns} unknowns of rank {problem.check_rank(rank)}: many weights "
            "fit them equally well. Take more samples, or a lower rank",
            IdentifiabilityWarning,
            stacklevel=3,
        )


def _warn_of_rank(solution: Solution) -> None:
    """A direction that no core uses is not determined by the data: it is where the first guess left it."""
    cores = np.asarray(solution.factors.cores)
    _, r1, r2 = cores.shape
    tol = np.finfo(cores.dtype).eps ** _UNUSED
    used = tuple(
        int(np.linalg.matrix_rank(stack, rtol=tol))
        for stack in (np.moveaxis(cores, 1, 0).reshape(r1, -1), cores.reshape(-1, r2))
    )
    if used != (r1, r2):
        warnings.warn(
            f"the cores use rank {used} of {(r1, r2)}: the rest of the subspaces is arbitrary. Fit again with rank "
            f"{tuple(max(each, 1) for each in used)}",
            IdentifiabilityWarning,
            stacklevel=3,
        )


def _attempt_until_settled(
    problem: Problem, start: AbstractStart, rank: int | tuple[int, int], key: PRNGKeyArray, max_steps: int
) -> Solution:
    _, num_rows, num_cols = problem.sensing.weights_shape
    r1, r2 = problem.check_rank(rank)
    small = num_rows * r1 + num_cols * r2 <= _LARGEST_DIRECT
    solver = VariableProjection(reduced_step=Direct() if small else ConjugateGradient())
    attempt = functools.partial(solve_with_restarts, problem, solver, rank=rank, key=key, max_steps=max_steps)
    # The cheap attempt on its own: where it is enough, the others need not even be compiled.
    cheap = FewUsers(start, solver) if _is_large(problem) else start
    first = attempt(cheap, attempts=1)
    if first.relative_residual <= default_residual_tol(problem.targets.dtype):
        return first
    return attempt((cheap, *escalation(start)[1:]), attempts=_ATTEMPTS, first=first)


def _is_large(problem: Problem) -> bool:
    """Whether a fit to few users first, which is another program to compile, can be worth it."""
    stored = sum(leaf.size for leaf in jax.tree.leaves(problem.sensing))
    return isinstance(problem.sensing, Streamed) or stored >= _LARGE

"""The one loop that runs every solver."""

import enum
import operator
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from colora_theory.factors import AbstractFactors, Factors
from colora_theory.linalg import AnyArray, safe_divide
from colora_theory.problem import Problem
from colora_theory.solvers import AbstractSolver, State
from colora_theory.starts import AbstractStart


class Status(enum.IntEnum):
    """How a solve ended. Converged means optimal, never merely that nothing moved."""

    RUNNING = 0
    CONVERGED = 1
    STALLED = 2
    MAX_STEPS = 3
    DIVERGED = 4
    NONFINITE = 5

    @property
    def advice(self) -> str:
        """What happened, and what to do about it."""
        return _ADVICE[self]


_ADVICE = {
    Status.RUNNING: "the solver has not finished",
    Status.CONVERGED: "the data are met exactly or the gradient is zero, to the tolerances asked for",
    Status.STALLED: "neither loss nor gradient improves although the iterate is not optimal: "
    "a step size too small, tolerances below the floating-point floor, or a degenerate problem",
    Status.MAX_STEPS: "the step limit came first: raise max_steps, or give more samples (near the counting limit "
    "convergence is slow)",
    Status.DIVERGED: "the loss grew far above its first value: reduce the step size or improve the start",
    Status.NONFINITE: "a step produced a number that is not finite; the last finite iterate is returned: "
    "reduce the step size, or rescale the data",
}

# Steps over which progress is judged, and what counts as none: loss better by less than 100 epsilons, relatively,
# and best gradient by less than a millionth.
_PATIENCE = 20
_LOSS_PROGRESS_IN_EPS = 100.0
_GRADIENT_PROGRESS = 1e-6
_DIVERGENCE = 1e3


class Trace(eqx.Module):
    """What was seen before the first step and after each one; NaN from the end of the run on.

    Attributes:
        relative_residual: sqrt(sum w (target - prediction)^2 / sum w target^2), shape (max_steps + 1,).
        relative_gradient: the optimality measure, shape (max_steps + 1,).
        observed: the values of `observe`, each with a leading axis of max_steps + 1; None without it.
    """

    relative_residual: Float[Array, "*steps"]
    relative_gradient: Float[Array, "*steps"]
    observed: PyTree


class Solution(eqx.Module):
    """What came out.

    Attributes:
        factors: the last finite iterate (zero if not even the first one is finite), with orthonormal `left` and
            `right` where the subspaces are shared.
        status: a `Status` as an integer array, so that it passes through jit, vmap and tables.
        num_steps: steps taken.
        relative_residual: at `factors`; see `Trace`.
        relative_gradient: the optimality measure at the end, see `solvers.base.relative_gradient`.
        trace: the run, step by step; None for estimates that are not iterative.
        offset: the frozen weight of the problem, shape (num_rows, num_cols), or None.
    """

    factors: AbstractFactors
    status: Int[Array, "..."]
    num_steps: Int[Array, "..."]
    relative_residual: Float[Array, "..."]
    relative_gradient: Float[Array, "..."]
    trace: Trace | None
    offset: Float[Array, "d1 d2"] | None = None

    @property
    def weights(self) -> Float[AnyArray, "k d1 d2"]:
        """The users' weight matrices W_i, the frozen weight included; shape (num_users, num_rows, num_cols)."""
        adapters = self.factors.compose()
        return adapters if self.offset is None else adapters + self.offset[None]

    def summary(self) -> str:
        """Status, steps and optimality in one line."""
        return (
            f"{Status(int(self.status)).name} after {int(self.num_steps)} steps: relative residual "
            f"{float(self.relative_residual):.2e}, relative gradient {float(self.relative_gradient):.2e}"
        )


class _Progress(eqx.Module):
    """The carry of the loop."""

    state: State
    status: Int[Array, ""]
    num_steps: Int[Array, ""]
    best_loss: Float[Array, ""]
    best_gradient: Float[Array, ""]
    since_best: Int[Array, ""]
    trace: Trace


def solve(
    problem: Problem,
    solver: AbstractSolver,
    start: AbstractStart,
    rank: int | tuple[int, int],
    *,
    key: PRNGKeyArray | None = None,
    max_steps: int = 1000,
    residual_tol: float | Float[Array, ""] | None = None,
    gradient_tol: float | Float[Array, ""] | None = None,
    observe: Callable[[Factors], Any] | None = None,
) -> Solution:
    """Runs a solver from a start until it is optimal, stuck, or out of steps.

    Compiled once for each combination of shapes, solver class, `max_steps` and `observe`; may itself be traced,
    vmapped or mapped.

    Args:
        problem: the data.
        solver: the method.
        start: the first guess.
        rank: r, or the pair (r1, r2).
        key: randomness of the start; needed by random ones only.
        max_steps: step limit, at least 1.
        residual_tol: CONVERGED once the relative residual is at most this: the data are met exactly. Default 20
            machine epsilons.
        gradient_tol: CONVERGED once the relative gradient is at most this: a stationary point. Default
            epsilon^(2/3), 4e-11 in float64.
        observe: a pure function of the iterate, traced along; for instance an error against a known truth. It cannot
            change the run.

    Returns:
        A `Solution`, whose `status` says how the run ended: a failure is never silent and never NaN.

    Raises:
        TypeError: for something that is not a solver or a start, or a step limit that is not an integer.
        ValueError: for an impossible rank or step limit.
    """
    pair = problem.check_rank(rank)
    for role, value, kind in (("solver", solver, AbstractSolver), ("start", start, AbstractStart)):
        if not isinstance(value, kind):
            raise TypeError(f"{role} is {value!r}: an instance is needed, one of those in colora_theory.{role}s")
    max_steps = operator.index(max_steps)
    if max_steps < 1:
        raise ValueError(f"max_steps {max_steps} is below 1")
    dtype = problem.targets.dtype
    tolerances = (
        jnp.asarray(default_residual_tol(dtype) if residual_tol is None else residual_tol, dtype),
        jnp.asarray(float(jnp.finfo(dtype).eps) ** (2 / 3) if gradient_tol is None else gradient_tol, dtype),
    )
    solver, start = _as_arrays(solver, dtype), _as_arrays(start, dtype)
    key = jax.random.key(0) if key is None else key
    return _solve(problem, solver, start, pair, key, max_steps, tolerances, observe)


def default_residual_tol(dtype: jnp.dtype) -> float:
    """The relative residual that counts as an exact fit: 20 machine epsilons."""
    return 20 * float(jnp.finfo(dtype).eps)


@eqx.filter_jit
def _solve(
    problem: Problem,
    solver: AbstractSolver,
    start: AbstractStart,
    rank: tuple[int, int],
    key: PRNGKeyArray,
    max_steps: int,
    tolerances: tuple[Float[Array, ""], Float[Array, ""]],
    observe: Callable[[Factors], Any] | None,
) -> Solution:
    target_norm = jnp.linalg.norm(problem.scaled_targets)
    epsilon = jnp.finfo(problem.targets.dtype).eps

    def relative_residual(state: State) -> Float[Array, ""]:
        return safe_divide(jnp.sqrt(2 * state.loss), target_norm)

    def record(trace: Trace, step: Int[Array, ""] | int, state: State) -> Trace:
        seen = Trace(
            relative_residual(state),
            state.relative_gradient,
            None if observe is None else observe(state.factors),
        )
        return jax.tree.map(lambda history, value: history.at[step].set(value), trace, seen)

    def judge(state: State) -> Int[Array, ""]:
        optimal = (relative_residual(state) <= tolerances[0]) | (state.relative_gradient <= tolerances[1])
        return jnp.where(optimal, Status.CONVERGED, Status.RUNNING).astype(jnp.int32)

    def advance(progress: _Progress) -> _Progress:
        new = solver.step(problem, progress.state)
        finite = _all_finite(new)
        state = jax.tree.map(lambda fresh, old: jnp.where(finite, fresh, old), new, progress.state)
        num_steps = progress.num_steps + 1

        better = (state.loss < progress.best_loss * (1 - _LOSS_PROGRESS_IN_EPS * epsilon)) | (
            state.relative_gradient < progress.best_gradient * (1 - _GRADIENT_PROGRESS)
        )
        since_best = jnp.where(better, 0, progress.since_best + 1)
        status = judge(state)
        for applies, verdict in (
            (num_steps >= max_steps, Status.MAX_STEPS),
            (since_best >= _PATIENCE, Status.STALLED),
            (state.loss > _DIVERGENCE * first_loss, Status.DIVERGED),
        ):
            status = jnp.where((status == Status.RUNNING) & applies, verdict, status).astype(jnp.int32)
        status = jnp.where(finite, status, Status.NONFINITE).astype(jnp.int32)
        return _Progress(
            state,
            status,
            num_steps,
            jnp.where(better, jnp.minimum(state.loss, progress.best_loss), progress.best_loss),
            jnp.where(better, jnp.minimum(state.relative_gradient, progress.best_gradient), progress.best_gradient),
            since_best,
            record(progress.trace, num_steps, state),
        )

    first = solver.init(problem, start(problem, rank, key))
    sound = _all_finite(first)
    first = jax.tree.map(lambda leaf: jnp.where(sound, leaf, jnp.zeros_like(leaf)), first)
    first_loss = first.loss
    blank = jax.eval_shape(lambda: (relative_residual(first), observe and observe(first.factors)))
    history = jax.tree.map(
        lambda leaf: jnp.full((max_steps + 1, *leaf.shape), jnp.nan, problem.targets.dtype), (blank[0], *blank)
    )
    zero = jnp.zeros((), jnp.int32)
    status = jnp.where(sound, judge(first), Status.NONFINITE).astype(jnp.int32)
    trace = record(Trace(*history), 0, first)
    progress = _Progress(first, status, zero, first.loss, first.relative_gradient, zero, trace)
    final = jax.lax.while_loop(lambda progress: progress.status == Status.RUNNING, advance, progress)
    return Solution(
        final.state.factors.orthonormalize(),
        final.status,
        final.num_steps,
        relative_residual(final.state),
        final.state.relative_gradient,
        final.trace,
        problem.offset,
    )


def _all_finite(state: State) -> Bool[Array, ""]:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves((state.factors, state.loss))]))


def _as_arrays(module: Any, dtype: jnp.dtype) -> Any:
    """Python numbers as arrays, so that another value of a hyperparameter does not compile another program."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype) if isinstance(leaf, float | int) else leaf, module)

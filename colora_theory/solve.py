"""The one loop that runs every solver."""

import operator
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.linalg import safe_divide
from colora_theory.problem import Problem
from colora_theory.solution import Solution, Status, Trace
from colora_theory.solvers import AbstractSolver, State
from colora_theory.starts import AbstractStart, first_guess
from colora_theory.units import Units

# Steps over which progress is judged, and what counts as none: loss better by less than 100 epsilons, relatively,
# and best gradient by less than a millionth.
_PATIENCE = 20
_LOSS_PROGRESS_IN_EPS = 100.0
_GRADIENT_PROGRESS = 1e-6
_DIVERGENCE = 1e3
# The trace has a place for every step.
_MOST_STEPS = 10**7


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
    vmapped or mapped. Data of extreme size are solved in units of their own, see `units`.

    Args:
        problem: the data.
        solver: the method.
        start: the first guess.
        rank: r, or the pair (r1, r2).
        key: randomness of the start; needed by random ones only.
        max_steps: step limit, from 1 to ten million.
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
    try:
        max_steps = operator.index(max_steps)
    except TypeError:
        raise TypeError(f"max_steps is {max_steps!r}: an integer is needed") from None
    if max_steps < 1:
        raise ValueError(f"max_steps {max_steps} is below 1")
    if max_steps > _MOST_STEPS:
        raise ValueError(f"max_steps {max_steps} exceeds {_MOST_STEPS}")
    dtype = problem.targets.dtype
    tolerances = (
        jnp.asarray(default_residual_tol(dtype) if residual_tol is None else residual_tol, dtype),
        jnp.asarray(float(jnp.finfo(dtype).eps) ** (2 / 3) if gradient_tol is None else gradient_tol, dtype),
    )
    solver, start = as_arrays(solver, dtype), as_arrays(start, dtype)
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
    offset, units = problem.offset, Units.of(problem)
    problem = units.problem
    target_norm = jnp.linalg.norm(problem.scaled_targets)
    epsilon = jnp.finfo(problem.targets.dtype).eps

    def relative_residual(state: State) -> Float[Array, ""]:
        return safe_divide(jnp.sqrt(2 * state.loss), target_norm)

    def seen_by_observer(state: State) -> Any:
        return None if observe is None else observe(units.restore(state.factors)[0])

    def record(trace: Trace, step: Int[Array, ""] | int, state: State) -> Trace:
        seen = Trace(
            relative_residual(state),
            state.relative_gradient,
            seen_by_observer(state),
            state.effort,
        )
        return jax.tree.map(lambda history, value: history.at[step].set(value), trace, seen)

    def judge(state: State) -> Int[Array, ""]:
        optimal = (relative_residual(state) <= tolerances[0]) | (state.relative_gradient <= tolerances[1])
        return jnp.where(optimal, Status.CONVERGED, Status.RUNNING).astype(jnp.int32)

    def advance(progress: _Progress) -> _Progress:
        new = solver.step(problem, progress.state)
        finite = _all_finite(new)
        state = _select(finite, new, progress.state)
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

    first = solver.init(problem, first_guess(problem, solver, *start.subspaces(problem, rank, key)))
    sound = _all_finite(first)
    first = _select(sound, first, jax.tree.map(jnp.zeros_like, first))
    first_loss = first.loss
    blank = jax.eval_shape(lambda: (relative_residual(first), seen_by_observer(first), first.effort))
    history = jax.tree.map(
        lambda leaf: jnp.full((max_steps + 1, *leaf.shape), jnp.nan, problem.targets.dtype), (blank[0], *blank)
    )
    zero = jnp.zeros((), jnp.int32)
    status = jnp.where(sound, judge(first), Status.NONFINITE).astype(jnp.int32)
    trace = record(Trace(*history), 0, first)
    progress = _Progress(first, status, zero, first.loss, first.relative_gradient, zero, trace)
    final = jax.lax.while_loop(lambda progress: progress.status == Status.RUNNING, advance, progress)
    factors, representable = units.restore(final.state.factors.orthonormalize())
    return Solution(
        factors,
        jnp.where(representable, final.status, Status.NONFINITE).astype(jnp.int32),
        final.num_steps,
        relative_residual(final.state),
        final.state.relative_gradient,
        final.trace,
        offset,
    )


def _select(sound: Bool[Array, ""], new: State, old: State) -> State:
    """The new state if sound, else what is told of the old one; the memory, often large, is of no more use then."""
    chosen = jax.tree.map(lambda fresh, kept: jnp.where(sound, fresh, kept), _told(new), _told(old))
    return eqx.tree_at(_told, new, chosen, is_leaf=lambda leaf: leaf is None)


def _told(state: State) -> tuple[Any, ...]:
    return state.factors, state.loss, state.relative_gradient, state.effort


def _all_finite(state: State) -> Bool[Array, ""]:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves((state.factors, state.loss))]))


def as_arrays(module: Any, dtype: jnp.dtype) -> Any:
    """Python numbers as arrays, so that another value of a hyperparameter does not compile another program."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype) if isinstance(leaf, float | int) else leaf, module)

"""Several attempts at one problem."""

import functools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from colora_theory.problem import Problem
from colora_theory.solution import Attempts, Solution, Status
from colora_theory.solve import as_arrays, default_residual_tol, solve
from colora_theory.solvers import AbstractSolver
from colora_theory.starts import AbstractStart, Annealed, Random, Stacked, Turned

# Sweeps of the last annealed paths.
_LONG = 1000


def escalation(start: AbstractStart) -> tuple[AbstractStart, ...]:
    """What works for most problems first, what works near the counting limit last.

    A turn of the start is enough to leave most local minima; the annealed path is there for those where it is not.
    Paths from the same start share their fate more often than those from turned ones, and longer ones from random
    subspaces find what neither has found.
    """
    turned = Annealed(Turned(start))
    return start, Turned(start), Turned(start), Annealed(start), turned, turned, Annealed(Random(), sweeps=_LONG)


ESCALATION = escalation(Stacked())

# Two attempts have found the same minimum if their residuals differ by less than this share.
_AGREEMENT = 1e-6


def solve_with_restarts(
    problem: Problem,
    solver: AbstractSolver,
    starts: AbstractStart | Sequence[AbstractStart],
    rank: int | tuple[int, int],
    *,
    attempts: int,
    agreeing: int = 3,
    first: Solution | None = None,
    key: PRNGKeyArray | None = None,
    max_steps: int = 1000,
    residual_tol: float | Float[Array, ""] | None = None,
    gradient_tol: float | Float[Array, ""] | None = None,
) -> Solution:
    """Solves from several starts until the data are met exactly, or as long as the attempts disagree.

    The loss has local minima. Whether an attempt was good is judged by its residual alone: without noise a good one
    meets the data exactly; with noise, if the first attempts all end with the same residual that one is taken, and if
    they do not, all attempts are made and the smallest residual is kept.

    Args:
        problem: the data.
        solver: the method of every attempt.
        starts: the first guess of each attempt, with randomness of its own; the last one serves all that follow.
        rank: r, or the pair (r1, r2).
        attempts: how many at most, at least 1.
        agreeing: how many attempts are enough if all of them agree, at least 1.
        first: an attempt that was made before, from the first of `starts` and with the same step limit: it counts as
            the first one, and is not made again.
        key: randomness of the starts.
        max_steps: step limit of each attempt.
        residual_tol: see `solve`; also what counts as meeting the data exactly.
        gradient_tol: see `solve`.

    Returns:
        The `Solution` of the best attempt; `attempts` tells what became of each, `num_steps` counts the steps of all.

    Raises:
        ValueError: for an impossible rank, step limit, number of attempts or of agreeing ones, no start at all, or a
            first attempt of another step limit.
    """
    for name, value in (("attempts", attempts), ("agreeing", agreeing)):
        if value < 1:
            raise ValueError(f"{name} {value} is below 1")
    sequence = tuple(starts) if isinstance(starts, Sequence) else (starts,)
    if not sequence:
        raise ValueError("no start was given: at least 1 is needed")
    if first is not None and (first.trace is None or first.trace.relative_residual.shape != (max_steps + 1,)):
        raise ValueError(f"the first attempt has not the trace of a solve of at most {max_steps} steps")
    dtype = problem.targets.dtype
    exact = jnp.asarray(default_residual_tol(dtype) if residual_tol is None else residual_tol, dtype)
    return _solve_with_restarts(
        problem,
        as_arrays(solver, dtype),
        as_arrays(sequence, dtype),
        problem.check_rank(rank),
        jax.random.key(0) if key is None else key,
        (attempts, agreeing, max_steps),
        exact,
        gradient_tol,
        first,
    )


@eqx.filter_jit
def _solve_with_restarts(
    problem: Problem,
    solver: AbstractSolver,
    starts: tuple[AbstractStart, ...],
    rank: tuple[int, int],
    key: PRNGKeyArray,
    limits: tuple[int, int, int],
    exact: Float[Array, ""],
    gradient_tol: float | Float[Array, ""] | None,
    earlier: Solution | None,
) -> Solution:
    attempts, agreeing, max_steps = limits

    def attempt(index: Int[Array, ""]) -> Solution:
        return solve(
            problem,
            solver,
            _OneOf(starts, index),
            rank,
            key=jax.random.fold_in(key, index),
            max_steps=max_steps,
            residual_tol=exact,
            gradient_tol=gradient_tol,
        )

    def unsettled(carry: tuple[Int[Array, ""], Solution, Attempts]) -> Bool[Array, ""]:
        index, best, made = carry
        missed = jnp.any(made.relative_residual > best.relative_residual * (1 + _AGREEMENT))
        settled = (best.relative_residual <= exact) | ((index >= agreeing) & ~missed)
        return (index == 0) | ((index < attempts) & ~settled)

    def count(carry: tuple[Int[Array, ""], Solution, Attempts], new: Solution) -> Any:
        index, best, made = carry
        better = (index == 0) | (new.relative_residual < best.relative_residual)
        return (
            index + 1,
            jax.tree.map(lambda fresh, old: jnp.where(better, fresh, old), new, best),
            Attempts(
                made.relative_residual.at[index].set(new.relative_residual),
                made.status.at[index].set(new.status),
                made.num_steps.at[index].set(new.num_steps),
                jnp.where(better, index, made.kept),
                made.starts,
            ),
        )

    zero = jnp.zeros((), jnp.int32)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(attempt, zero))
    none = jnp.zeros(attempts, jnp.int32)
    names = tuple(type(start).__name__ for start in starts)
    untried = Attempts(jnp.full(attempts, jnp.nan, exact.dtype), none + Status.RUNNING, none, zero, names)
    begin = (zero, nothing, untried)
    if earlier is not None:
        begin = count(begin, eqx.tree_at(lambda solution: solution.attempts, earlier, None, is_leaf=_is_none))
    _, best, made = jax.lax.while_loop(unsettled, lambda carry: count(carry, attempt(carry[0])), begin)
    return eqx.tree_at(
        lambda solution: (solution.num_steps, solution.attempts),
        best,
        (jnp.sum(made.num_steps, dtype=jnp.int32), made),
        is_leaf=_is_none,
    )


def _is_none(leaf: Any) -> bool:
    return leaf is None


class _OneOf(AbstractStart):
    """The start of an attempt: that of its number, or the last one."""

    starts: tuple[AbstractStart, ...]
    index: Int[Array, ""]

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        branches = [functools.partial(start.subspaces, problem, rank) for start in self.starts]
        return jax.lax.switch(self.index, branches, key)

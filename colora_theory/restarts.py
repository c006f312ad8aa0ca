"""Several attempts at one problem."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from colora_theory.problem import Problem
from colora_theory.solve import Solution, default_residual_tol, solve
from colora_theory.solvers import AbstractSolver
from colora_theory.starts import AbstractStart, Near


def solve_with_restarts(
    problem: Problem,
    solver: AbstractSolver,
    start: AbstractStart,
    rank: int | tuple[int, int],
    *,
    attempts: int,
    key: PRNGKeyArray | None = None,
    turn: float | Float[Array, ""] = 0.5,
    max_steps: int = 1000,
    residual_tol: float | Float[Array, ""] | None = None,
    gradient_tol: float | Float[Array, ""] | None = None,
) -> Solution:
    """Solves from a start, then from random turns of it, until the data are met exactly; keeps the best attempt.

    The loss has local minima, and a poor start can lead into one; neighbours of the same start mostly do not. Whether
    an attempt was good is judged by its residual alone. With noise no attempt meets the data exactly: then all are
    made, and the one with the smallest loss is kept.

    Args:
        problem: the data.
        solver: the method of every attempt.
        start: the first guess of the first attempt.
        rank: r, or the pair (r1, r2).
        attempts: how many at most, at least 1.
        key: randomness of the start and of the turns.
        turn: sine of the largest principal angle by which the later attempts turn the subspaces of the start.
        max_steps: step limit of each attempt.
        residual_tol: see `solve`; also what counts as meeting the data exactly.
        gradient_tol: see `solve`.

    Returns:
        The `Solution` of the best attempt; `num_steps` counts the steps of all.

    Raises:
        ValueError: for an impossible rank, step limit or number of attempts.
    """
    if attempts < 1:
        raise ValueError(f"attempts {attempts} is below 1")
    pair = problem.check_rank(rank)
    start_key, turn_key = jax.random.split(jax.random.key(0) if key is None else key)
    first = start(problem, pair, start_key)
    dtype = problem.targets.dtype
    exact = jnp.asarray(default_residual_tol(dtype) if residual_tol is None else residual_tol, dtype)

    def attempt(index: Int[Array, ""]) -> Solution:
        sine = jnp.where(index == 0, 0.0, jnp.asarray(turn, dtype))
        return solve(
            problem,
            solver,
            Near(first, sine),
            pair,
            key=jax.random.fold_in(turn_key, index),
            max_steps=max_steps,
            residual_tol=exact,
            gradient_tol=gradient_tol,
        )

    def unmet(carry: tuple[Int[Array, ""], Solution]) -> Array:
        index, best = carry
        return (index == 0) | ((index < attempts) & ~(best.relative_residual <= exact))

    def again(carry: tuple[Int[Array, ""], Solution]) -> tuple[Int[Array, ""], Solution]:
        index, best = carry
        new = attempt(index)
        better = (index == 0) | (new.relative_residual < best.relative_residual)
        kept = jax.tree.map(lambda fresh, old: jnp.where(better, fresh, old), new, best)
        return index + 1, eqx.tree_at(lambda kept: kept.num_steps, kept, best.num_steps + new.num_steps)

    zero = jnp.zeros((), jnp.int32)
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(attempt, zero))
    return jax.lax.while_loop(unmet, again, (zero, nothing))[1]

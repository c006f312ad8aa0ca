"""Each user alone."""

import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from colora_theory.factors import PersonalFactors
from colora_theory.lanes import map_lanes
from colora_theory.linalg import safe_divide
from colora_theory.problem import Problem
from colora_theory.solution import Solution
from colora_theory.solve import solve
from colora_theory.solvers import AbstractSolver, AlternatingMinimization
from colora_theory.starts import AbstractStart, Stacked


def alone(
    problem: Problem,
    rank: int | tuple[int, int],
    solver: AbstractSolver | None = None,
    start: AbstractStart | None = None,
    *,
    key: PRNGKeyArray | None = None,
    max_steps: int = 1000,
) -> Solution:
    """Every user fits a matrix of rank min(r1, r2) to its own data only.

    Args:
        problem: the data of all users.
        rank: r or (r1, r2).
        solver: alternating minimization if left out.
        start: the stacked spectral start if left out; for one user that is its own moment matrix.
        key: randomness of the start.
        max_steps: step limit of each user.

    Returns:
        A `Solution` with `PersonalFactors`, the worst status and the most steps of all users, and no trace.
    """
    r = min(problem.check_rank(rank))
    solver = AlternatingMinimization() if solver is None else solver
    start = Stacked() if start is None else start
    num_users = problem.targets.shape[0]
    keys = jax.random.split(jax.random.key(0) if key is None else key, num_users)
    each = map_lanes(
        lambda lane: solve(lane[0], solver, start, r, key=lane[1], max_steps=max_steps), (problem.split_users(), keys)
    )
    squares = jnp.sum(jnp.square(problem.scaled_targets), axis=1)
    return Solution(
        PersonalFactors(each.factors.left, each.factors.cores[:, 0], each.factors.right),
        jnp.max(each.status),
        jnp.max(each.num_steps),
        jnp.sqrt(safe_divide(jnp.sum(jnp.square(each.relative_residual) * squares), jnp.sum(squares))),
        jnp.max(each.relative_gradient),
        None,
        problem.offset,
    )

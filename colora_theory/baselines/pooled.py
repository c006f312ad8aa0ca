"""One adapter for all users."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solution import Solution
from colora_theory.solve import solve
from colora_theory.solvers import AbstractSolver, AlternatingMinimization
from colora_theory.starts import AbstractStart, Stacked


def pooled(
    problem: Problem,
    rank: int | tuple[int, int],
    solver: AbstractSolver | None = None,
    start: AbstractStart | None = None,
    *,
    key: PRNGKeyArray | None = None,
    max_steps: int = 1000,
) -> Solution:
    """All data fitted by one matrix of rank min(r1, r2), as if they came from a single user.

    Its squared error tends to the spread of the users about their mean, however many samples there are.

    Args:
        problem: the data of all users.
        rank: r or (r1, r2).
        solver: alternating minimization if left out.
        start: the stacked spectral start if left out; for merged users that is the pooled one.
        key: randomness of the start.
        max_steps: step limit.

    Returns:
        A `Solution` whose `Factors` give every user the same core.
    """
    r = min(problem.check_rank(rank))
    solver = AlternatingMinimization() if solver is None else solver
    start = Stacked() if start is None else start
    solution = solve(problem.merge_users(), solver, start, r, key=key, max_steps=max_steps)
    cores = jnp.broadcast_to(solution.factors.cores, (problem.targets.shape[0], r, r))
    shared = Factors(solution.factors.left, cores, solution.factors.right)
    return eqx.tree_at(lambda solution: solution.factors, solution, shared)

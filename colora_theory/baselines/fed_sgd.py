"""Averaged gradient descent on one model."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.rounds import ended, seen_at
from colora_theory.solution import Solution
from colora_theory.solvers.first_order import tree_add
from colora_theory.solvers.linearization import Linearization
from colora_theory.starts import AbstractStart, Random


def fed_sgd(
    problem: Problem,
    rank: int | tuple[int, int],
    start: AbstractStart | None = None,
    *,
    key: PRNGKeyArray | None = None,
    max_steps: int = 100,
    step_size: float | Float[Array, ""] = 0.1,
) -> Solution:
    """Gradient descent with given step on U, V and one core for all users.

    What FedSGD makes of the model (the comparison in Collins et al., arXiv 2102.07078): every round the server averages
    the gradients of all users and takes one step. Nothing is personal, so only the mean of the cores is ever seen.

    Args:
        problem: the data of all users.
        rank: r or (r1, r2).
        start: of the subspaces; random if left out. The common core starts as the mean of the least-squares cores.
        key: randomness of the start.
        max_steps: number of steps.
        step_size: multiplies the gradient of the mean over all measurements of the squared residual.

    Returns:
        A `Solution` whose `Factors` give every user the same core, with status MAX_STEPS, or NONFINITE where the step
        was too long, and no trace.
    """
    pair = problem.check_rank(rank)
    start = Random() if start is None else start
    first = start(problem, pair, jax.random.key(0) if key is None else key)
    common = Factors(first.left, jnp.mean(first.cores, axis=0, keepdims=True), first.right)
    merged = problem.merge_users()
    # The loss is half the sum of squares.
    length = 2 * jnp.asarray(step_size, first.cores.dtype) / jnp.sum(problem.sample_weights)

    def step(_: Array, factors: Factors) -> Factors:
        model = Linearization.at(merged, factors)
        return tree_add(factors, length, model.transpose(model.residual))

    last = jax.lax.fori_loop(0, max_steps, step, common).orthonormalize()
    factors = Factors(last.left, jnp.broadcast_to(last.cores, first.cores.shape), last.right)
    return ended(problem, factors, max_steps, seen_at(problem, Linearization.at(merged, last)))

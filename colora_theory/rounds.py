"""Methods that take a given number of rounds: the loop, what is seen of them, and the solution they end in."""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PyTree

from colora_theory.factors import Factors
from colora_theory.linalg import safe_divide
from colora_theory.problem import Problem
from colora_theory.solution import Solution, Status, Trace
from colora_theory.solvers.first_order import optimality, tree_dot
from colora_theory.solvers.linearization import Linearization

Carry = TypeVar("Carry")


def take_rounds(
    turn: Callable[[Carry, Int[Array, ""]], Carry], see: Callable[[Carry], Trace], begin: Carry, num_rounds: int
) -> tuple[Carry, Trace]:
    """Where so many rounds lead, and what was seen before the first and after each."""

    def advance(carry: Carry, index: Int[Array, ""]) -> tuple[Carry, Trace]:
        carry = turn(carry, index)
        return carry, see(carry)

    last, later = jax.lax.scan(advance, begin, jnp.arange(num_rounds))
    return last, jax.tree.map(lambda one, rest: jnp.concatenate([one[None], rest]), see(begin), later)


def seen_at(problem: Problem, model: Linearization, observed: PyTree = None) -> Trace:
    """Residual and optimality at the point of expansion of a model, the curvature being that along the gradient."""
    descent = model.transpose(model.residual)
    curvature = safe_divide(jnp.sum(jnp.square(model.apply(descent))), tree_dot(descent, descent))
    share = safe_divide(jnp.linalg.norm(model.residual), jnp.linalg.norm(problem.scaled_targets))
    return Trace(share, optimality(descent, curvature, model.residual), observed)


def ended(problem: Problem, factors: Factors, num_rounds: int, last: Trace, trace: Trace | None = None) -> Solution:
    """The solution of all rounds, with status MAX_STEPS, or NONFINITE.

    Args:
        problem: the data.
        factors: the estimate.
        num_rounds: how many were taken.
        last: what was seen in the end.
        trace: what was seen on the way, if anything.
    """
    residual = last.relative_residual
    return Solution(
        factors,
        jnp.where(jnp.isfinite(residual), Status.MAX_STEPS, Status.NONFINITE).astype(jnp.int32),
        jnp.asarray(num_rounds, jnp.int32),
        residual,
        last.relative_gradient,
        trace,
        problem.offset,
    )

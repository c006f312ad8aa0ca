"""True subspaces, own cores."""

import jax
import jax.numpy as jnp

from colora_theory.factors import AbstractFactors, PersonalFactors
from colora_theory.linalg import safe_divide
from colora_theory.problem import Problem
from colora_theory.solution import Solution, Status
from colora_theory.starts import fit_cores


def oracle(problem: Problem, truth: AbstractFactors) -> Solution:
    """The least-squares cores in the true subspaces: what could be done if U and V came for free.

    Args:
        problem: the data.
        truth: where the subspaces are taken from, shared or each user's own; its cores are not looked at.
    """
    factors: AbstractFactors
    if isinstance(truth, PersonalFactors):
        own = problem.split_users()
        fits = jax.vmap(fit_cores)(own, truth.left, truth.right)
        losses = jax.vmap(lambda problem, factors: problem.loss(factors))(own, fits)
        factors, loss = PersonalFactors(fits.left, fits.cores[:, 0], fits.right), jnp.sum(losses)
    else:
        factors = fit_cores(problem, truth.left, truth.right)
        loss = problem.loss(factors)
    return Solution(
        factors,
        jnp.asarray(Status.CONVERGED, jnp.int32),
        jnp.asarray(1, jnp.int32),
        safe_divide(jnp.sqrt(2 * loss), jnp.linalg.norm(problem.scaled_targets)),
        jnp.zeros_like(loss),
        None,
        problem.offset,
    )

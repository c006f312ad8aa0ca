"""Alternating gradient descent and minimization."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solvers.base import AbstractSolver, State
from colora_theory.solvers.curvature import Curvature
from colora_theory.solvers.first_order import descend, state_at
from colora_theory.solvers.linearization import Linearization


class AltGDmin(AbstractSolver):
    """Exact cores, then a gradient step on U and V together, then QR (Nayer and Vaswani, arXiv 2102.10217).

    The step is `step_size` over L, the largest eigenvalue of the Hessian over U and V at fixed cores, which a power
    iteration follows.

    Attributes:
        step_size: the step as a multiple of 1/L; stable at least below 2.
    """

    step_size: float | Float[Array, ""] = 1.0

    def init(self, problem: Problem, factors: Factors) -> State:
        model = Linearization.at(problem, factors.orthonormalize()).fit_cores()
        generic = _without_cores(jax.tree.map(jnp.ones_like, model.factors))
        return state_at(model, Curvature.estimate(_gram_of_subspaces(model), generic))

    def step(self, problem: Problem, state: State) -> State:
        # With the cores at their least-squares values their gradient is zero: only U and V move.
        moved = descend(state, self.step_size).orthonormalize()
        model = Linearization.at(problem, moved).fit_cores()
        return state_at(model, state.memory.curvature.refine(_gram_of_subspaces(model)))


def _gram_of_subspaces(model: Linearization) -> Callable[[Factors], Factors]:
    return lambda direction: _without_cores(model.gram(direction))


def _without_cores(direction: Factors) -> Factors:
    return eqx.tree_at(lambda factors: factors.cores, direction, jnp.zeros_like(direction.cores))

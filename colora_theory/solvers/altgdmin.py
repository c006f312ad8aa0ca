"""Alternating gradient descent and minimization."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solvers.base import AbstractSolver, State
from colora_theory.solvers.first_order import descend, state_at
from colora_theory.solvers.linearization import Linearization


class AltGDmin(AbstractSolver):
    """Exact cores, then a gradient step on U and V together, then QR (Nayer and Vaswani, arXiv 2102.10217).

    There the step is a constant over the largest squared singular value of the truth. Here it is `step_size` times the
    exact one along the gradient, for measurements linearized at the iterate and cores that follow; see
    `GradientDescent` for why not quite the exact one.

    Attributes:
        step_size: the step as a multiple of the exact one; stable below 2.
    """

    eliminates_cores: ClassVar[bool] = True

    step_size: float | Float[Array, ""] = 0.9

    def init(self, problem: Problem, factors: Factors) -> State:
        return reduced_state(Linearization.at(problem, factors.orthonormalize()), None)

    def step(self, problem: Problem, state: State) -> State:
        moved = descend(state, self.step_size).orthonormalize()
        return reduced_state(Linearization.at(problem, moved), state.memory.curvature)


def reduced_state(model: Linearization, curvature: Float[Array, ""] | None) -> State:
    """The state at the least-squares cores for the subspaces of `model`, whose gradient only moves U and V."""
    fitted = model.fit_cores()
    gradient = fitted.transpose(fitted.residual)
    # With the cores at their least-squares values their gradient is zero: only U and V move.
    descent = eqx.tree_at(lambda factors: factors.cores, gradient, jnp.zeros_like(gradient.cores))
    image = fitted.apply(descent)
    rest, _ = fitted.absorb(image)
    return state_at(fitted, descent, image, rest, curvature)

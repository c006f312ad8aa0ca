"""Joint gradient descent on all three blocks."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solvers.base import AbstractSolver, State
from colora_theory.solvers.curvature import Curvature
from colora_theory.solvers.first_order import descend, state_at
from colora_theory.solvers.linearization import Linearization


class GradientDescent(AbstractSolver):
    """A gradient step on U, the cores and V at once, from balanced factors.

    The step is `step_size` over L, the largest eigenvalue of the Gauss-Newton Hessian J^T J at the iterate, which a
    power iteration follows. Balanced factors give the three blocks curvatures of the same size, and gradient flow
    keeps them balanced.

    Attributes:
        step_size: the step as a multiple of 1/L; stable below 2.
    """

    step_size: float | Float[Array, ""] = 1.0

    def init(self, problem: Problem, factors: Factors) -> State:
        model = Linearization.at(problem, factors.balance())
        return state_at(model, Curvature.estimate(model.gram, jax.tree.map(jnp.ones_like, model.factors)))

    def step(self, problem: Problem, state: State) -> State:
        model = Linearization.at(problem, descend(state, self.step_size))
        return state_at(model, state.memory.curvature.refine(model.gram))

"""Alternating gradient descent and minimization with a step of given length."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solvers.altgdmin import reduced_state
from colora_theory.solvers.base import AbstractSolver, State
from colora_theory.solvers.first_order import tree_add
from colora_theory.solvers.linearization import Linearization


class FedRep(AbstractSolver):
    """Exact cores, then a gradient step of given length on U and V together, then QR.

    The linear form of FedRep (Collins, Hassani, Mokhtari and Shakkottai, arXiv 2102.07078): every client solves for its
    head, the server averages the gradients of the representation. `AltGDmin` is the same with a length that the data
    choose; here it must suit the size of the cores, and data in other units need another one.

    Attributes:
        step_size: multiplies the gradient of the mean over all measurements of the squared residual; for an isotropic
            design stable below 1 over the largest eigenvalue of the mean of C_i C_i^T.
    """

    eliminates_cores: ClassVar[bool] = True

    step_size: float | Float[Array, ""] = 0.1

    def init(self, problem: Problem, factors: Factors) -> State:
        return reduced_state(Linearization.at(problem, factors.orthonormalize()), None)

    def step(self, problem: Problem, state: State) -> State:
        # The loss is half the sum of squares.
        length = 2 * jnp.asarray(self.step_size, state.loss.dtype) / jnp.sum(problem.sample_weights)
        moved = tree_add(state.factors, length, state.memory.descent).orthonormalize()
        return reduced_state(Linearization.at(problem, moved), state.memory.curvature)

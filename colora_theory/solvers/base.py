"""What every solver offers."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from colora_theory.factors import Factors
from colora_theory.linalg import safe_divide
from colora_theory.problem import Problem


class State(eqx.Module):
    """Where a solver is.

    Attributes:
        factors: the iterate.
        loss: half the weighted sum of squared residuals at `factors`.
        relative_gradient: the optimality measure, see `relative_gradient`; taken where the last step computed its
            gradients, which for block updates is along the step. Infinite before the first step.
        memory: what else the solver carries from step to step.
    """

    factors: Factors
    loss: Float[Array, ""]
    relative_gradient: Float[Array, ""]
    memory: PyTree


class AbstractSolver(eqx.Module):
    """An iterative method: pure functions of the problem and a state. Hyperparameters are fields, and may be traced."""

    @abc.abstractmethod
    def init(self, problem: Problem, factors: Factors) -> State:
        """The state before the first step."""

    @abc.abstractmethod
    def step(self, problem: Problem, state: State) -> State:
        """One step."""


def relative_gradient(
    gradient: Float[Array, "..."], curvature: Float[Array, ""], residual_norm: Float[Array, ""]
) -> Float[Array, ""]:
    """||J^T e|| / (||J|| ||e||): how far the residual e is from being orthogonal to what a block can change.

    In [0, 1] when `curvature` bounds the largest eigenvalue of J^T J; free of every scale; 0 at a stationary point.

    Args:
        gradient: J^T e.
        curvature: an upper bound on, or estimate of, ||J||^2.
        residual_norm: ||e||.
    """
    return safe_divide(jnp.linalg.norm(gradient), jnp.sqrt(curvature) * residual_norm)


def half_square(residual: Float[Array, "..."]) -> Float[Array, ""]:
    """The loss of a residual."""
    return 0.5 * jnp.sum(jnp.square(residual))

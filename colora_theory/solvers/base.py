"""What every solver offers."""

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from colora_theory.factors import Factors
from colora_theory.linalg import safe_divide
from colora_theory.problem import Problem


class Effort(eqx.Module):
    """What the last step came to, where that depends on the data: numbers in the data's precision, for a trace.

    Attributes:
        accepted: 1 if the iterate has moved, 0 if the step was turned down.
        curved: 1 if the step asked for second derivatives of the measurements.
        products: with the reduced normal matrix.
    """

    accepted: Float[Array, ""]
    curved: Float[Array, ""]
    products: Float[Array, ""]

    @classmethod
    def of(
        cls,
        data: Float[Array, "..."],
        accepted: Bool[Array, ""] | bool = False,
        curved: Bool[Array, ""] | bool = False,
        products: Int[Array, ""] | int = 0,
    ) -> "Effort":
        """In the precision of the data; before the first step nothing has been done."""
        return cls(*(jnp.asarray(value).astype(data.dtype) for value in (accepted, curved, products)))


class State(eqx.Module):
    """Where a solver is.

    Attributes:
        factors: the iterate.
        loss: half the weighted sum of squared residuals at `factors`.
        relative_gradient: the optimality measure, see `relative_gradient`; taken where the last step computed its
            gradients, which for block updates is along the step. Infinite before the first step.
        memory: what else the solver carries from step to step.
        effort: of the last step; None for solvers all of whose steps are alike.
    """

    factors: Factors
    loss: Float[Array, ""]
    relative_gradient: Float[Array, ""]
    memory: PyTree
    effort: Effort | None = None


class AbstractSolver(eqx.Module):
    """An iterative method: pure functions of the problem and a state. Hyperparameters are fields, and may be traced.

    Attributes:
        eliminates_cores: whether the first thing it does is to fit the cores, so that those of the start do not matter.
    """

    eliminates_cores: ClassVar[bool] = False

    @abc.abstractmethod
    def init(self, problem: Problem, factors: Factors) -> State:
        """The state before the first step."""

    @abc.abstractmethod
    def step(self, problem: Problem, state: State) -> State:
        """One step."""


# A step is taken if the loss falls by this share of what the model of the loss promised.
_ACCEPTANCE = 1e-4
# Differences of losses below this many epsilons of the loss are rounding.
_ROUNDING_IN_EPS = 100.0


def judge_step(
    promised: Float[Array, ""], gained: Float[Array, ""], loss: Float[Array, ""]
) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
    """Whether a step is good enough to be taken, and whether the promise is below the rounding of the loss.

    There a comparison of losses says nothing, and the step is taken if it does no visible harm.

    Args:
        promised: by how much the loss was to fall.
        gained: by how much it fell.
        loss: before the step.
    """
    rounding = _ROUNDING_IN_EPS * jnp.finfo(loss.dtype).eps * loss
    blind = promised < rounding
    return jnp.where(blind, gained > -rounding, gained > _ACCEPTANCE * promised), blind


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

"""What the gradient methods share: a state with its descent direction, and the step rule."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.linalg import safe_divide
from colora_theory.solvers.base import State, half_square, relative_gradient
from colora_theory.solvers.curvature import Curvature, tree_norm
from colora_theory.solvers.linearization import Linearization


class Memory(eqx.Module):
    """What a gradient step needs.

    Attributes:
        model: the scaled measurements to first order at the iterate.
        descent: minus the gradient of the loss there.
        curvature: the largest eigenvalue of the Hessian of the blocks that move.
    """

    model: Linearization
    descent: Factors
    curvature: Curvature


def state_at(model: Linearization, curvature: Curvature) -> State:
    """The state of a gradient method at the point of expansion of `model`."""
    descent = model.transpose(model.residual)
    measure = relative_gradient(tree_norm(descent), curvature.value, jnp.linalg.norm(model.residual))
    return State(model.factors, half_square(model.residual), measure, Memory(model, descent, curvature))


def descend(state: State, step_size: float | Float[Array, ""]) -> Factors:
    """The iterate moved along the descent direction by `step_size` over the largest curvature."""
    curvature = state.memory.curvature.value
    length = safe_divide(jnp.asarray(step_size, curvature.dtype), curvature)
    return jax.tree.map(lambda block, direction: block + length * direction, state.factors, state.memory.descent)

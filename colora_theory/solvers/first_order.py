"""What the gradient methods share: a descent direction, and the exact step along it."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from colora_theory.factors import Factors
from colora_theory.linalg import safe_divide
from colora_theory.solvers.base import State, half_square, relative_gradient
from colora_theory.solvers.linearization import Linearization


class Memory(eqx.Module):
    """What a gradient step needs.

    Attributes:
        model: the scaled measurements to first order at the iterate.
        descent: minus the gradient of the loss there.
        length: the exact step along it, see `state_at`.
        curvature: the largest curvature seen along a descent direction so far.
    """

    model: Linearization
    descent: Factors
    length: Float[Array, ""]
    curvature: Float[Array, ""]


def state_at(
    model: Linearization,
    descent: Factors,
    image: Float[Array, "k n"],
    rest: Float[Array, "k n"],
    curvature: Float[Array, ""] | None = None,
) -> State:
    """The state of a gradient method at the point of expansion of `model`.

    The exact step minimizes the loss along the descent direction as if the measurements were linear (Cauchy's step
    for the Gauss-Newton model): ||descent||^2 / ||rest||^2.

    Args:
        model: the measurements to first order.
        descent: minus the gradient.
        image: the change of the measurements along it.
        rest: what is left of that change where the cores follow; the same where they do not.
        curvature: the largest one seen before; none at the first iterate.
    """
    along = tree_dot(descent, descent)
    seen = safe_divide(jnp.sum(jnp.square(image)), along)
    largest = seen if curvature is None else jnp.maximum(curvature, seen)
    length = safe_divide(along, jnp.sum(jnp.square(rest)))
    measure = optimality(descent, largest, model.residual)
    return State(model.factors, half_square(model.residual), measure, Memory(model, descent, length, largest))


def optimality(descent: PyTree, curvature: Float[Array, ""], residual: Float[Array, "k n"]) -> Float[Array, ""]:
    """The relative gradient; infinite where it or the curvature is beyond the range of floats."""
    measure = relative_gradient(jnp.sqrt(tree_dot(descent, descent)), curvature, jnp.linalg.norm(residual))
    return jnp.where(jnp.isfinite(curvature) & jnp.isfinite(measure), measure, jnp.inf)


def descend(state: State, step_size: float | Float[Array, ""]) -> Factors:
    """The iterate moved along the descent direction by `step_size` times the exact step."""
    length = state.memory.length
    return tree_add(state.factors, jnp.asarray(step_size, length.dtype) * length, state.memory.descent)


def tree_dot(first: PyTree, second: PyTree) -> Float[Array, ""]:
    """The inner product of all leaves together."""
    products = jax.tree.map(lambda one, other: jnp.sum(one * other), first, second)
    return jax.tree.reduce(jnp.add, products)


def tree_add(base: PyTree, length: float | Float[Array, ""], direction: PyTree) -> PyTree:
    """`base + length * direction`, leaf by leaf."""
    return jax.tree.map(lambda one, other: one + length * other, base, direction)

"""Errors of an estimate against the truth. All are invariant to the choice of basis, none sees a solver."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import AbstractFactors
from colora_theory.grassmann import orthonormal_basis, principal_sines
from colora_theory.linalg import safe_divide


def squared_errors(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, " k"]:
    """||W^_i - W_i||_F^2 of every user, by direct difference."""
    return jnp.sum(jnp.square(estimate.compose() - truth.compose()), axis=(1, 2))


def mean_squared_error(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """The mean over users of ||W^_i - W_i||_F^2."""
    return jnp.mean(squared_errors(estimate, truth))


def relative_error(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """sqrt(sum_i ||W^_i - W_i||_F^2 / sum_i ||W_i||_F^2)."""
    return jnp.sqrt(safe_divide(jnp.sum(squared_errors(estimate, truth)), jnp.sum(jnp.square(truth.compose()))))


def sine_left(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """Sine of the largest principal angle between the left subspaces; the worst user where they are personal."""
    return _worst_sine(estimate.left, truth.left)


def sine_right(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """Sine of the largest principal angle between the right subspaces; the worst user where they are personal."""
    return _worst_sine(estimate.right, truth.right)


def _worst_sine(estimate: Array, truth: Array) -> Float[Array, ""]:
    in_axes = (0 if estimate.ndim == 3 else None, 0 if truth.ndim == 3 else None)

    def largest(first: Array, second: Array) -> Array:
        return jnp.max(principal_sines(orthonormal_basis(first), orthonormal_basis(second)))

    if in_axes == (None, None):
        return largest(estimate, truth)
    return jnp.max(jax.vmap(largest, in_axes=in_axes)(estimate, truth))

"""Small linear algebra that every block update shares."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

AnyArray = Array | np.ndarray

# Relative to the mean diagonal. Large enough that rounding in a rank-deficient normal matrix cannot be
# amplified to the size of the factors; harmless otherwise, as only increments are solved for.
_FLOOR_IN_EPS = 100.0


def contract(subscripts: str, *operands: AnyArray) -> Any:
    """Einsum at full precision: accelerators would otherwise round float32 products to fewer bits.

    Of numpy arrays a numpy array, in their own precision whatever JAX is configured to.
    """
    if all(isinstance(operand, np.ndarray) for operand in operands):
        return np.einsum(subscripts, *operands, optimize=True)
    return jnp.einsum(subscripts, *operands, precision=jax.lax.Precision.HIGHEST)


def solve_normal(normal: Float[Array, "*batch p p"], right_side: Float[Array, "*batch p"]) -> Float[Array, "*batch p"]:
    """Solves `normal x = right_side` by Cholesky, with a floor of some machine epsilons under the spectrum.

    A singular matrix (too few samples, an all-zero user) gives a finite, short solution instead of NaN.

    Args:
        normal: symmetric positive semidefinite matrices, shape (..., p, p).
        right_side: shape (..., p).
    """
    lower = cholesky_with_floor(normal)
    return jax.scipy.linalg.cho_solve((lower, True), right_side[..., None])[..., 0]


def cholesky_with_floor(normal: Float[Array, "*batch p p"]) -> Float[Array, "*batch p p"]:
    """The lower Cholesky factor of positive semidefinite matrices, raised by a floor of some machine epsilons."""
    size = normal.shape[-1]
    precision = jnp.finfo(normal.dtype)
    mean_diagonal = jnp.trace(normal, axis1=-2, axis2=-1) / size
    floor = jnp.maximum(_FLOOR_IN_EPS * precision.eps * mean_diagonal, precision.tiny)
    identity = jnp.broadcast_to(jnp.eye(size, dtype=normal.dtype), normal.shape)
    return jnp.linalg.cholesky(normal + floor[..., None, None] * identity)


def spectral_bound(normal: Float[Array, "*batch p p"]) -> Float[Array, "*batch"]:
    """The largest absolute row sum: an upper bound on the largest eigenvalue of a symmetric matrix."""
    return jnp.max(jnp.sum(jnp.abs(normal), axis=-1), axis=-1)


def top_eigenvectors(gram: Float[Array, "d d"], count: int) -> Float[Array, "d count"]:
    """The eigenvectors of the `count` largest eigenvalues of a symmetric matrix, largest first."""
    return jnp.linalg.eigh(gram)[1][:, ::-1][:, :count]


def safe_divide(numerator: Array, denominator: Array) -> Array:
    """`numerator / denominator`, and 0 where the denominator is 0."""
    zero = denominator == 0
    return jnp.where(zero, 0.0, numerator / jnp.where(zero, 1.0, denominator))

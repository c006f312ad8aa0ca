"""Errors of an estimate against the truth. All are invariant to the choice of basis, none sees a solver."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import AbstractFactors
from colora_theory.grassmann import orthonormal_basis, principal_sines
from colora_theory.linalg import AnyArray, contract, safe_divide


def squared_errors(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, " k"]:
    """||W^_i - W_i||_F^2 of every user, by direct difference."""
    return _energies(estimate.compose() - truth.compose())


def mean_squared_error(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """The mean over users of ||W^_i - W_i||_F^2."""
    return jnp.mean(squared_errors(estimate, truth))


def relative_error(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """sqrt(sum_i ||W^_i - W_i||_F^2 / sum_i ||W_i||_F^2)."""
    return jnp.sqrt(safe_divide(jnp.sum(squared_errors(estimate, truth)), jnp.sum(_energies(truth.compose()))))


def sine_left(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """Sine of the largest principal angle between the left subspaces; the worst user where they are personal."""
    return _worst_sine(estimate.left, truth.left)


def sine_right(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """Sine of the largest principal angle between the right subspaces; the worst user where they are personal."""
    return _worst_sine(estimate.right, truth.right)


def overlap_left(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """Mean squared cosine of the principal angles between the left subspaces, averaged over users where personal.

    ||U^T U^||_F^2 / r1 for orthonormal U and U^: 1 if U^ contains U, r1 / d1 on average for a random U^ of that rank.
    """
    return _mean_overlap(estimate.left, truth.left)


def overlap_right(estimate: AbstractFactors, truth: AbstractFactors) -> Float[Array, ""]:
    """Mean squared cosine ||V^T V^||_F^2 / r2, as `overlap_left` for the right subspaces."""
    return _mean_overlap(estimate.right, truth.right)


def coherence(basis: Float[Array, "d r"]) -> Float[Array, ""]:
    """The largest squared length of a row of an orthonormal basis, times d / r: in [1, d / r], of the subspace alone.

    1 where all rows weigh the same, d / r where one axis lies in the subspace: entries elsewhere then say nothing of
    it. Candes and Recht (Found. Comput. Math. 9, 2009).
    """
    rows = jnp.sum(jnp.square(orthonormal_basis(basis)), axis=1)
    return len(rows) / basis.shape[1] * jnp.max(rows)


def _worst_sine(estimate: Array, truth: Array) -> Float[Array, ""]:
    def largest(first: Array, second: Array) -> Array:
        return jnp.max(principal_sines(orthonormal_basis(first), orthonormal_basis(second)))

    return jnp.max(_each_pair(largest, estimate, truth))


def _mean_overlap(estimate: Array, truth: Array) -> Float[Array, ""]:
    def overlap(first: Array, second: Array) -> Array:
        cosines = contract("dp,dq->pq", orthonormal_basis(first), orthonormal_basis(second))
        return jnp.sum(jnp.square(cosines)) / second.shape[1]

    return jnp.mean(_each_pair(overlap, estimate, truth))


def _each_pair(compare: Callable[[Array, Array], Array], estimate: Array, truth: Array) -> Array:
    """`compare` of two bases, or of those of every user where one of them is personal."""
    in_axes = (0 if estimate.ndim == 3 else None, 0 if truth.ndim == 3 else None)
    if in_axes == (None, None):
        return compare(estimate, truth)
    return jax.vmap(compare, in_axes=in_axes)(estimate, truth)


def _energies(weights: Float[AnyArray, "k d1 d2"]) -> Float[Array, " k"]:
    """Squared norms of every user, kept apart: XLA splits one large sum by the number of threads, and rounds so."""
    return jax.lax.optimization_barrier(jnp.sum(jnp.square(weights), axis=(1, 2)))

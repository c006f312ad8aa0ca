"""Subspaces as matrices with orthonormal columns: draws, rotations by a known angle, principal angles."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray, Scalar

from colora_theory.linalg import contract, symmetric_roots


def orthonormal_basis(matrix: Float[Array, "d r"]) -> Float[Array, "d r"]:
    """An orthonormal basis of the column space (QR)."""
    return jnp.linalg.qr(matrix)[0]


def nearest_basis(matrix: Float[Array, "d r"]) -> tuple[Float[Array, "d r"], Float[Array, "r r"]]:
    """The orthonormal basis nearest to a matrix, and what it is multiplied by to give it back (polar decomposition)."""
    root, inverse = symmetric_roots(contract("ar,as->rs", matrix, matrix))
    return contract("ar,rs->as", matrix, inverse), root


def random_subspace(
    key: PRNGKeyArray, dimension: int, rank: int, dtype: DTypeLike = float
) -> Float[Array, "{dimension} {rank}"]:
    """A uniformly (Haar) distributed subspace of the given rank."""
    return orthonormal_basis(jax.random.normal(key, (dimension, rank), dtype))


def rotate(key: PRNGKeyArray, basis: Float[Array, "d r"], sine: Float[Scalar, ""]) -> Float[Array, "d r"]:
    """Moves a subspace along a random geodesic until the sine of its largest principal angle is `sine`.

    The direction is isotropic in the tangent space, so the other principal angles are random and smaller.
    A subspace that fills the whole space has nowhere to go and is returned as it is.

    Args:
        key: randomness of the direction.
        basis: orthonormal columns, shape (d, r).
        sine: sine of the largest principal angle, in [0, 1].
    """
    direction = outside(basis, jax.random.normal(key, basis.shape, basis.dtype))
    if basis.shape[0] == basis.shape[1]:
        return basis
    outward, speeds, inward = jnp.linalg.svd(direction, full_matrices=False)
    angles = jnp.arcsin(sine) * speeds / speeds[0]
    turned = (basis @ inward.T) * jnp.cos(angles)[None, :] + outward * jnp.sin(angles)[None, :]
    return turned @ inward


def outside(basis: Float[Array, "d p"], matrix: Float[Array, "d q"]) -> Float[Array, "d q"]:
    """What of the columns is orthogonal to a subspace, by difference: accurate however small it is.

    Args:
        basis: orthonormal columns, shape (d, p).
        matrix: shape (d, q).
    """
    return matrix - contract("dp,pq->dq", basis, contract("dp,dq->pq", basis, matrix))


def check_sine(sine: float | Array) -> None:
    """Raises a ValueError for a number outside [0, 1]; traced values cannot be looked at."""
    if isinstance(sine, int | float) and not 0 <= sine <= 1:
        raise ValueError(f"sine {sine} is outside [0, 1]")


def principal_sines(first: Float[Array, "d p"], second: Float[Array, "d q"]) -> Float[Array, " q"]:
    """Sines of the principal angles from `second` to `first`, largest first.

    Singular values of the part of `second` outside `first`: accurate for tiny angles, where
    sqrt(1 - cos^2) loses everything below 1e-8.

    Args:
        first: orthonormal columns, shape (d, p).
        second: orthonormal columns, shape (d, q).
    """
    return jnp.minimum(jnp.linalg.svd(outside(first, second), compute_uv=False), 1.0)

"""Small linear algebra that every block update shares."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

AnyArray = Array | np.ndarray

# Relative to the mean diagonal. Large enough that rounding in a rank-deficient normal matrix cannot be
# amplified to the size of the factors; harmless otherwise, as only increments are solved for.
_FLOOR_IN_EPS = 100.0
# Up to this size LAPACK factors a matrix in the calling thread.
_SMALL = 48
# Slices that are added in one loop.
_UNROLL = 8


def contract(subscripts: str, *operands: AnyArray) -> Any:
    """Einsum at full precision: accelerators would otherwise round float32 products to fewer bits.

    Of numpy arrays a numpy array, in their own precision whatever JAX is configured to.
    """
    if all(isinstance(operand, np.ndarray) for operand in operands):
        return np.einsum(subscripts, *operands, optimize=True)
    return jnp.einsum(subscripts, *operands, precision=jax.lax.Precision.HIGHEST)


def mix_slices(matrix: Float[Array, "a p"], slices: Float[Array, "b a m"]) -> Float[Array, "b p m"]:
    """`matrix.T @ slice` of every slice: short linear combinations of long rows, in one pass over them.

    As a batched product with a small left factor in place: an einsum over the same axes transposes the data first on
    XLA's CPU backend.
    """
    small = jax.lax.optimization_barrier(jnp.broadcast_to(matrix.T, (len(slices), *matrix.T.shape)))
    return jnp.matmul(small, slices, precision=jax.lax.Precision.HIGHEST)


def pad_axes(array: Shaped[Array, "..."], sizes: dict[int, int]) -> Shaped[Array, "..."]:
    """The array with zeros at the end of some axes, which then have these sizes."""
    return jnp.pad(array, [(0, sizes.get(axis, size) - size) for axis, size in enumerate(array.shape)])


def combine_slices(weights: Float[Array, "k m"], slices: Float[Array, "m k n"]) -> Float[Array, "k n"]:
    """Of each user a linear combination of its slices, sum_m weights_km slices_mkn, in one pass over them.

    Slice after slice, the sum staying in the cache: of the einsum XLA's CPU backend makes a product of transposed data,
    which takes many times as long (see docs/architecture.md).
    """
    if jax.default_backend() != "cpu":
        return contract("km,mkn->kn", weights, slices)
    total, _ = jax.lax.scan(_add_slice, jnp.zeros_like(slices[0]), (weights.T, slices), unroll=_UNROLL)
    return total


# Not defined where it is used: outside of compiled programs a scan over a new function compiles anew.
def _add_slice(
    total: Float[Array, "k n"], term: tuple[Float[Array, " k"], Float[Array, "k n"]]
) -> tuple[Float[Array, "k n"], None]:
    weight, each = term
    return total + weight[:, None] * each, None


def solve_normal(normal: Float[Array, "*batch p p"], right_side: Float[Array, "*batch p"]) -> Float[Array, "*batch p"]:
    """Solves `normal x = right_side` by Cholesky, with a floor of some machine epsilons under the spectrum.

    A singular matrix (too few samples, an all-zero user) gives a finite, short solution instead of NaN.

    Args:
        normal: symmetric positive semidefinite matrices, shape (..., p, p).
        right_side: shape (..., p).
    """
    root = whitener(normal)
    return contract("...qp,...q->...p", root, contract("...pq,...q->...p", root, right_side))


def whitener(normal: Float[Array, "*batch p p"]) -> Float[Array, "*batch p p"]:
    """T with T (normal + floor) T^T = 1, the inverse of the lower Cholesky factor; the floor as in `solve_normal`.

    NaN where the matrix is not positive definite.
    """
    return _invert_root(_with_floor(normal))


def cholesky_with_floor(normal: Float[Array, "*batch p p"]) -> Float[Array, "*batch p p"]:
    """The lower Cholesky factor of positive semidefinite matrices, raised by a floor of some machine epsilons."""
    return jnp.linalg.cholesky(_with_floor(normal))


def _with_floor(normal: Float[Array, "*batch p p"]) -> Float[Array, "*batch p p"]:
    size = normal.shape[-1]
    precision = jnp.finfo(normal.dtype)
    mean_diagonal = jnp.trace(normal, axis1=-2, axis2=-1) / size
    floor = jnp.maximum(_FLOOR_IN_EPS * precision.eps * mean_diagonal, precision.tiny)
    identity = jnp.broadcast_to(jnp.eye(size, dtype=normal.dtype), normal.shape)
    return normal + floor[..., None, None] * identity


def _invert_root(matrix: Float[Array, "*batch p p"]) -> Float[Array, "*batch p p"]:
    """The inverse of the lower Cholesky factor, by halves.

    LAPACK is asked for small factors only: for large ones, and for triangular systems, it wakes threads of its own,
    which then spin for tens of milliseconds beside those of XLA (measured: a step of variable projection 1.8 times as
    slow on two cores).
    """
    size = matrix.shape[-1]
    if size <= _SMALL:
        return _invert_lower(jnp.linalg.cholesky(matrix))
    half = size // 2
    first = _invert_root(matrix[..., :half, :half])
    across = contract("...pq,...rq->...pr", matrix[..., half:, :half], first)
    second = _invert_root(matrix[..., half:, half:] - contract("...pq,...rq->...pr", across, across))
    below = -contract("...pq,...qr,...rs->...ps", second, across, first)
    beside = jnp.zeros((*matrix.shape[:-2], half, size - half), matrix.dtype)
    rows = (jnp.concatenate(row, axis=-1) for row in ((first, beside), (below, second)))
    return jnp.concatenate(tuple(rows), axis=-2)


def _invert_lower(lower: Float[Array, "*batch p p"]) -> Float[Array, "*batch p p"]:
    """Inverses of lower triangular matrices, by forward substitution in all of them at once."""
    identity = jnp.broadcast_to(jnp.eye(lower.shape[-1], dtype=lower.dtype), lower.shape)

    def substitute(row: Int[Array, ""], inverse: Float[Array, "*batch p p"]) -> Float[Array, "*batch p p"]:
        known = contract("...q,...qp->...p", lower[..., row, :], inverse)
        return inverse.at[..., row, :].set((identity[..., row, :] - known) / lower[..., row, row][..., None])

    return jax.lax.fori_loop(0, lower.shape[-1], substitute, jnp.zeros_like(lower))


def symmetric_roots(gram: Float[Array, "r r"]) -> tuple[Float[Array, "r r"], Float[Array, "r r"]]:
    """The symmetric square root of a Gram matrix and its inverse, with a floor under the eigenvalues."""
    values, vectors = jnp.linalg.eigh(gram)
    precision = jnp.finfo(gram.dtype)
    floor = jnp.maximum(_FLOOR_IN_EPS * precision.eps * jnp.mean(values), precision.tiny)
    roots = jnp.sqrt(jnp.maximum(values, floor))
    return contract("ri,i,si->rs", vectors, roots, vectors), contract("ri,i,si->rs", vectors, 1 / roots, vectors)


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

"""Adapters that were trained alone, merged without further data."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from colora_theory.factors import Factors, check_rank
from colora_theory.linalg import AnyArray, contract, safe_divide, top_eigenvectors
from colora_theory.structures.base import check_sizes, halves, join
from colora_theory.structures.unfolding import shared_subspaces


def average_of_products(weights: Float[AnyArray, "k d1 d2"], rank: int | None = None) -> Float[Array, "d1 d2"]:
    """The mean of the adapters, cut back to the nearest matrix of a rank if one is given.

    One adapter for all: of users that differ it keeps their spread as an error.

    Raises:
        ValueError: for a rank outside 1 .. min(d1, d2).
    """
    mean = jnp.mean(jnp.asarray(weights), axis=0, keepdims=True)
    if rank is None:
        return mean[0]
    left, right = balanced_factors(mean, rank)
    return average_of_factors(left, right)


def balanced_factors(
    weights: Float[AnyArray, "k d1 d2"], rank: int
) -> tuple[Float[Array, "k d1 r"], Float[Array, "k d2 r"]]:
    """Factors P_i, Q_i of the nearest matrices of a rank, P_i Q_i^T, whose columns have the same lengths.

    Singular vectors with the roots of the singular values: unique up to the sign of each pair of columns only.

    Raises:
        ValueError: for a rank outside 1 .. min(d1, d2).
    """
    num_users, num_rows, num_cols = weights.shape
    check_sizes((num_users, num_rows, num_cols), rank=rank)
    return halves(jnp.asarray(weights), rank)


def average_of_factors(left: Float[AnyArray, "k d1 r"], right: Float[AnyArray, "k d2 r"]) -> Float[Array, "d1 d2"]:
    """The product of the mean of the P_i with the mean of the Q_i^T.

    Depends on the basis of each user's factors, which its adapter P_i Q_i^T does not tell: turned independently and
    uniformly, the expected result is 1 / k of `average_of_products`. Meaningful for factors that were trained from one
    start and have not gone far.
    """
    return jnp.asarray(join(jnp.mean(jnp.asarray(left), axis=0), jnp.mean(jnp.asarray(right), axis=0)))


def joint_subspace(weights: Float[AnyArray, "k d1 d2"], rank: int | tuple[int, int]) -> Factors:
    """Subspaces from the singular vectors of all adapters, and each adapter projected on them.

    Multiple adjacency spectral embedding (Arroyo et al. 2021, arXiv 1906.10026), for matrices that need not be
    symmetric: U holds the r1 leading left singular vectors of the users' min(r1, r2) leading left ones side by side,
    unweighted; V likewise; C_i = U^T W_i V. Exact if the adapters are W_i = U C_i V^T and span both subspaces.

    Args:
        weights: the adapters, shape (k, d1, d2). Singular vectors of zero singular values do not count.
        rank: r or (r1, r2).

    Raises:
        ValueError: for ranks that such weights cannot have.
    """
    whole = jnp.asarray(weights)
    r1, r2 = check_rank(rank, *whole.shape)
    local = min(r1, r2)
    left, values, right = jnp.linalg.svd(whole, full_matrices=False)
    there = values > values[:, :1] * (jnp.finfo(whole.dtype).eps * max(whole.shape[1:]))
    kept = jnp.where(there, 1.0, 0.0).astype(whole.dtype)[:, :local]
    rows = contract("kar,kr,kcr->ac", left[:, :, :local], kept, left[:, :, :local])
    cols = contract("kra,kr,krc->ac", right[:, :local], kept, right[:, :local])
    return _project(whole, top_eigenvectors(rows, r1), top_eigenvectors(cols, r2))


def weighted_joint_subspace(weights: Float[AnyArray, "k d1 d2"], rank: int | tuple[int, int]) -> Factors:
    """As `joint_subspace`, but every singular vector counts with its squared singular value.

    U holds the r1 leading left singular vectors of the adapters themselves side by side. A direction in which a user
    has little signal is known badly, and has little weight here.

    Raises:
        ValueError: see `joint_subspace`.
    """
    whole = jnp.asarray(weights)
    return _project(whole, *shared_subspaces(whole, check_rank(rank, *whole.shape)))


def _project(whole: Float[Array, "k d1 d2"], left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"]) -> Factors:
    return Factors(left, contract("ar,kab,bs->krs", left, whole, right), right)


def project_conflicts(weights: Float[AnyArray, "k d1 d2"]) -> Float[Array, "d1 d2"]:
    """The mean of the adapters after what conflicts has been projected out.

    Gradient surgery (Yu et al. 2020, arXiv 2001.06782) on adapters: user by user, what is left of W_i loses its part
    along each other W_j with which its inner product is negative. There the order of the j is drawn at random, here it
    is that of the users, and matters where three or more conflict. The mean itself if none do.
    """
    flat = jnp.asarray(weights).reshape(len(weights), -1)

    users = jnp.arange(len(flat))

    def clear(user: Int[Array, ""], own: Float[Array, " m"]) -> Float[Array, " m"]:
        def against(
            left: Float[Array, " m"], there: tuple[Int[Array, ""], Float[Array, " m"]]
        ) -> tuple[Float[Array, " m"], None]:
            place, other = there
            conflict = jnp.minimum(safe_divide(left @ other, other @ other), 0.0)
            return left - jnp.where(place == user, 0.0, conflict) * other, None

        cleared, _ = jax.lax.scan(against, own, (users, flat))
        return cleared

    return jnp.mean(jax.vmap(clear)(users, flat), axis=0).reshape(weights.shape[1:])

"""Restricted isometry: which constants help, and which cannot."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse.linalg
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import AbstractFactors
from colora_theory.grassmann import random_subspace
from colora_theory.linalg import contract, safe_divide, symmetric_roots
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractRestriction
from colora_theory.theory.tangent import TangentGram

# Up to this dimension the whole matrix is diagonalised; above, extreme eigenvalues are found by Lanczos' method.
_DENSE = 1500
_LANCZOS_TOL = 1e-7


def isometry_constant(problem: Problem, truth: AbstractFactors) -> float:
    """delta_T: by how much the measurements distort squared lengths on the tangent space at the truth.

    The largest |eigenvalue - 1| of J^T J on T, every user's measurements divided by the root of its total weight (and
    times that of the operator's `moment_factor`), so that an isotropic design has the identity as its mean. Exact for
    the data given (GRIP on T, see docs/theory.md). At least 1 if a direction of T is not seen: N < DoF, or a user with
    fewer measurements than its core needs.

    Raises:
        TypeError, ValueError: see `TangentGram.at`.
    """
    return _distortion(*_extreme_eigenvalues(TangentGram.at(_normalize(problem), truth)))


def core_isometry(problem: Problem, truth: AbstractFactors) -> np.ndarray:
    """Of each user, the constant for its own core, the subspaces of the truth being known; shape (num_users,).

    Raises:
        TypeError, ValueError: see `TangentGram.at`.
    """
    values = np.linalg.eigvalsh(TangentGram.at(_normalize(problem), truth).own)
    return np.maximum(values[:, -1] - 1, 1 - values[:, 0])


def spread_isometry_bound(
    problem: Problem, rank: int | tuple[int, int], *, key: PRNGKeyArray, starts: int = 4, max_steps: int = 30
) -> float:
    """A lower bound on the isometry constant over all tuples (U, C_1 .. C_k, V) whose cores have the same norm.

    Found by ascent from random subspaces: exact extremes of the cores and of each factor in turn. A lower bound also
    for every larger class, such as cores of squared norm at most mu times the average. With one user the class is all
    matrices of that rank: merge the users (`problem.merge_users()`) for tuples with one common core, and take the
    worst of `problem.split_users()` for all tuples whatever, cores of all users but one being zero.

    Args:
        problem: the data.
        rank: r, or (r1, r2).
        key: randomness of the first subspaces.
        starts: how many ascents.
        max_steps: steps of each.

    Raises:
        ValueError: for an impossible rank.
    """
    pair = problem.check_rank(rank)
    keys = jax.random.split(key, starts)
    signs = jnp.array([1.0, -1.0], problem.targets.dtype)
    bounds = [_ascend(_normalize(problem), pair, each, max_steps, sign) for each in keys for sign in signs]
    return max(map(float, bounds))


def _normalize(problem: Problem) -> Problem:
    """Every user's weights divided by their sum: the identity is then the mean of an isotropic design's J^T J."""
    totals = jnp.sum(problem.sample_weights, axis=1, keepdims=True) / problem.sensing.moment_factor
    return eqx.tree_at(lambda p: p.sample_weights, problem, safe_divide(problem.sample_weights, totals))


def _extreme_eigenvalues(gram: TangentGram) -> tuple[float, float]:
    if gram.dimension <= _DENSE:
        values = np.linalg.eigvalsh(gram.dense())
        return float(values[0]), float(values[-1])
    shape = (gram.dimension, gram.dimension)
    whole = scipy.sparse.linalg.LinearOperator(shape, matvec=lambda vector: gram.apply(vector.reshape(-1, 1))[:, 0])
    first = np.random.default_rng(0).standard_normal(gram.dimension)
    low, high = (
        scipy.sparse.linalg.eigsh(whole, 1, which=end, v0=first, tol=_LANCZOS_TOL, return_eigenvectors=False)[0]
        for end in ("SA", "LA")
    )
    return float(low), float(high)


def _distortion(low: float, high: float) -> float:
    return max(high - 1, 1 - low)


@eqx.filter_jit
def _ascend(
    problem: Problem, rank: tuple[int, int], key: PRNGKeyArray, max_steps: int, sign: Float[Array, ""]
) -> Float[Array, ""]:
    """The largest `sign` (||A W||^2 / ||W||^2 - 1) seen, over tuples with cores of equal norm."""
    num_users, d1, d2 = problem.sensing.weights_shape
    r1, r2 = rank
    left_key, right_key = jax.random.split(key)
    left, right = random_subspace(left_key, d1, r1), random_subspace(right_key, d2, r2)

    def best_cores(at_right: AbstractRestriction, left: Float[Array, "d1 r1"]) -> tuple[Array, Array]:
        nothing = jnp.zeros_like(problem.targets)
        values, vectors = jnp.linalg.eigh(sign * at_right.core_system(left, nothing).normal)
        return jnp.mean(values[:, -1]) - sign, vectors[:, :, -1].reshape(num_users, r1, r2)

    def best_factor(restriction: AbstractRestriction, cores: Float[Array, "k p r"]) -> Float[Array, "d p"]:
        """The factor of the most extreme quotient, for cores seen from its side; then orthonormal."""
        normal = restriction.factor_system(cores, jnp.zeros_like(problem.targets)).normal
        size = cores.shape[1]
        _, root = symmetric_roots(contract("kpr,kqr->pq", cores, cores))
        blocks = contract("xp,paqb,qy->xayb", root, normal.reshape(size, -1, size, len(normal) // size), root)
        _, vectors = jnp.linalg.eigh(sign * blocks.reshape(normal.shape))
        return jnp.linalg.qr(vectors[:, -1].reshape(size, -1).T)[0]

    def step(_: Array, carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        best, left, right = carry
        at_right = problem.restrict_right(right)
        value, cores = best_cores(at_right, left)
        best = jnp.maximum(best, value)
        left = best_factor(at_right, cores)
        value, cores = best_cores(at_right, left)
        best = jnp.maximum(best, value)
        return best, left, best_factor(problem.restrict_left(left), cores.mT)

    first = (jnp.asarray(-jnp.inf, problem.targets.dtype), left, right)
    return jax.lax.fori_loop(0, max_steps, step, first)[0]

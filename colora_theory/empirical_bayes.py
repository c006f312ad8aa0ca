"""Cores shrunk towards what the users have in common: an empirical-Bayes ridge."""

import operator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from colora_theory.factors import Factors
from colora_theory.linalg import cholesky_with_floor, contract, safe_divide, solve_normal
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractRestriction


class Prior(eqx.Module):
    """A normal distribution of the cores, their entries in row-major order.

    Attributes:
        mean: the common core, shape (r1 r2,).
        covariance: shape (r1 r2, r1 r2).
    """

    mean: Float[Array, "*batch p"]
    covariance: Float[Array, "*batch p p"]

    @classmethod
    def of(cls, means: Float[Array, "k p"], roots: Float[Array, "k p q"]) -> "Prior":
        """The most likely prior of cores known up to a covariance `roots @ roots.T` each.

        As if there were r1 r2 further users with uncorrelated entries of the average variance: keeps a covariance from
        a few users away from being singular.
        """
        num_users, size = means.shape
        common = jnp.mean(means, axis=0)
        apart = means - common[None]
        scatter = contract("kp,kq->pq", apart, apart) + contract("kpm,kqm->pq", roots, roots)
        variance = jnp.trace(scatter) / (num_users * size)
        return cls(common, (scatter + size * variance * jnp.eye(size, dtype=means.dtype)) / (num_users + size))


class Shrunk(eqx.Module):
    """The empirical-Bayes estimate and the distribution that the data chose.

    Attributes:
        factors: orthonormal U and V of largest marginal likelihood, and the posterior means of the cores.
        noise: estimated standard deviation of a measurement of weight one.
        prior: of the cores in these bases.
        core_covariances: posterior covariance of each user's core, entries in row-major order, shape
            (num_users, r1 r2, r1 r2).
        num_steps: iterations made.
        converged: whether the predictions had stopped moving within `max_steps`.
    """

    factors: Factors
    noise: Float[Array, "..."]
    prior: Prior
    core_covariances: Float[Array, "*batch k p p"]
    num_steps: Int[Array, "..."]
    converged: Array


class _Iterate(eqx.Module):
    """The point estimates, the posterior of the cores, the last predictions and how far they moved."""

    factors: Factors
    variance: Float[Array, ""]
    prior: Prior
    roots: Float[Array, "k p p"]
    predicted: Float[Array, "k n"]
    movement: Float[Array, ""]
    num_steps: Int[Array, ""]


def shrink(problem: Problem, factors: Factors, *, max_steps: int = 500, tol: float | Float[Array, ""] = 1e-3) -> Shrunk:
    """The estimate of largest marginal likelihood under normal noise and normal cores, found from a first fit.

    vec C_i ~ N(m, G) and y_ij ~ N(<A_ij, U C_i V^T>, sigma^2 / w_ij), with m, G, sigma, U and V estimated from all
    users together by expectation maximization (the cores are what is not observed). Beside maximum likelihood, which
    is the limit of an infinite G, it wins where users have few noisy samples: every core borrows from the others, and U
    and V are not fitted to the errors of the cores.

    Args:
        problem: the data.
        factors: where to start from, a maximum-likelihood fit.
        max_steps: limit of the iterations, at least 1.
        tol: stop once a step moves the predictions by less than this share of the residual.

    Raises:
        ValueError: for a step limit below 1.
    """
    max_steps = operator.index(max_steps)
    if max_steps < 1:
        raise ValueError(f"max_steps {max_steps} is below 1")
    dtype = problem.targets.dtype
    return _shrink(problem, factors, jnp.asarray(max_steps, jnp.int32), jnp.asarray(tol, dtype))


@eqx.filter_jit
def _shrink(problem: Problem, factors: Factors, max_steps: Int[Array, ""], tol: Float[Array, ""]) -> Shrunk:
    first = factors.orthonormalize()
    num_users, *shape = first.cores.shape
    means = first.cores.reshape(num_users, -1)
    certain = jnp.zeros((*means.shape, means.shape[1]), means.dtype)
    num_samples = jnp.sum(problem.sample_weights > 0).astype(means.dtype)
    variance = 2 * problem.loss(first) / num_samples
    fitted = problem.scaled_targets - problem.residual(first)
    infinite = jnp.asarray(jnp.inf, means.dtype)
    start = _Iterate(first, variance, Prior.of(means, certain), certain, fitted, infinite, jnp.zeros((), jnp.int32))
    end = jax.lax.while_loop(
        lambda iterate: (iterate.num_steps < max_steps) & (iterate.movement > tol),
        lambda iterate: _iterate(problem, iterate, num_samples),
        start,
    )
    left, left_triangle = jnp.linalg.qr(end.factors.left)
    right, right_triangle = jnp.linalg.qr(end.factors.right)
    basis = jnp.kron(left_triangle, right_triangle)
    roots = contract("pq,kqm->kpm", basis, end.roots)
    cores = contract("pq,kq->kp", basis, end.factors.cores.reshape(num_users, -1))
    # The cores are integrated out; what fits the noise besides are the two subspaces.
    in_subspaces = sum(rank * (basis.shape[0] - rank) for rank, basis in zip(shape, (left, right), strict=True))
    free = jnp.maximum(num_samples - in_subspaces, 1)
    return Shrunk(
        Factors(left, cores.reshape(num_users, *shape), right),
        jnp.sqrt(end.variance * num_samples / free),
        Prior(contract("pq,q->p", basis, end.prior.mean), contract("pq,qm,nm->pn", basis, end.prior.covariance, basis)),
        contract("kpm,kqm->kpq", roots, roots),
        end.num_steps,
        end.movement <= tol,
    )


def _iterate(problem: Problem, iterate: _Iterate, num_samples: Float[Array, ""]) -> _Iterate:
    """One step: the posterior of the cores, then in turn the best variance, U, V and prior for it."""
    factors, (num_users, *shape) = iterate.factors, iterate.factors.cores.shape
    targets = problem.scaled_targets
    at_right = problem.restrict_right(factors.right)

    design = at_right.core_design(factors.left)
    normal = contract("pkn,qkn->kpq", design, design)
    means, roots = _posterior(normal, contract("pkn,kn->kp", design, targets), iterate.prior, iterate.variance)
    cores = means.reshape(num_users, *shape)
    predicted = at_right(contract("ar,krs->kas", factors.left, cores))
    residual = jnp.sum(jnp.square(targets - predicted))
    variance = (residual + contract("kpq,kpm,kqm->", normal, roots, roots)) / num_samples

    columns = jnp.moveaxis(roots, 2, 0).reshape(-1, num_users, *shape)
    left = _factor(at_right, cores, columns, targets).reshape(factors.left.T.shape).T
    at_left = problem.restrict_left(left)
    right = _factor(at_left, cores.mT, columns.mT, targets).reshape(factors.right.T.shape).T
    return _Iterate(
        Factors(left, cores, right),
        variance,
        Prior.of(means, roots),
        roots,
        predicted,
        jnp.sqrt(safe_divide(jnp.sum(jnp.square(predicted - iterate.predicted)), residual)),
        iterate.num_steps + 1,
    )


def _posterior(
    normal: Float[Array, "k p p"], descent: Float[Array, "k p"], prior: Prior, variance: Float[Array, ""]
) -> tuple[Float[Array, "k p"], Float[Array, "k p p"]]:
    """Means of the cores, and matrices R_i with covariances R_i R_i^T; no matrix that may be singular is inverted."""
    identity = jnp.eye(normal.shape[-1], dtype=normal.dtype)
    prior_root = cholesky_with_floor(prior.covariance)
    noise = jnp.maximum(variance, jnp.finfo(normal.dtype).tiny)
    gain = jnp.linalg.cholesky(identity[None] + contract("pq,kpm,mn->kqn", prior_root, normal, prior_root) / noise)
    solved = jax.scipy.linalg.solve_triangular(gain, jnp.broadcast_to(prior_root.T, gain.shape), lower=True)
    surprise = descent - contract("kpq,q->kp", normal, prior.mean)
    means = prior.mean[None] + contract("kmp,kmq,kq->kp", solved, solved, surprise) / noise
    return means, solved.mT


def _factor(
    restriction: AbstractRestriction,
    cores: Float[Array, "k p r"],
    columns: Float[Array, "m k p r"],
    targets: Float[Array, "k n"],
) -> Float[Array, " q"]:
    """The transposed free factor of least expected squared residual; `columns` are what the cores may be off by."""
    system = restriction.factor_system(cores, targets)
    nothing = jnp.zeros_like(targets)
    normal = jax.lax.fori_loop(
        0,
        len(columns),
        lambda column, total: total + restriction.factor_system(columns[column], nothing).normal,
        system.normal,
    )
    return solve_normal(normal, system.descent)

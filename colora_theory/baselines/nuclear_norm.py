"""Least squares under a nuclear norm."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from colora_theory.factors import Factors
from colora_theory.linalg import contract, safe_divide, top_eigenvectors
from colora_theory.problem import Problem
from colora_theory.solution import Solution, Status

_POWER_ITERATIONS = 30
# Power iteration ends a little below the largest eigenvalue.
_MARGIN = 1.05


class _Progress(eqx.Module):
    """The carry of the loop.

    Attributes:
        weights: the iterate.
        point: where the next gradient is taken.
        momentum: grows with every step; 1 where it was reset.
        change: of the weights by the last step, relatively.
        num_steps: steps taken.
    """

    weights: Float[Array, "k d1 d2"]
    point: Float[Array, "k d1 d2"]
    momentum: Float[Array, ""]
    change: Float[Array, ""]
    num_steps: Int[Array, ""]


def nuclear_norm(
    problem: Problem,
    rank: int | tuple[int, int],
    *,
    strength: float | Float[Array, ""] = 1.0,
    max_steps: int = 1000,
    tol: float = 1e-6,
) -> Solution:
    """Minimizes loss + ridge ||[W_1 .. W_k]||_* by accelerated proximal gradient steps; then the best of given rank.

    The convex estimate of the stacked matrix, d1 x k d2 (for vector tasks the d x k coefficient matrix; Pong, Tseng, Ji
    and Ye, SIAM J. Optim. 20, 2010; with restarts of the momentum, O'Donoghue and Candes 2015). It does not know the
    rank. The ridge is `strength` sigma (sqrt(d1) + sqrt(k d2)) sqrt(n), with n the mean weight of a user: what noise of
    standard deviation sigma under an isotropic design makes of the largest singular value of the gradient (Negahban and
    Wainwright, Annals of Statistics 39, 2011). sigma is the root mean square of the current residuals (as in the scaled
    lasso, Sun and Zhang, Biometrika 99, 2012), so that nothing needs to be known.

    Args:
        problem: the data of all users.
        rank: r or (r1, r2) of the factors that are returned.
        strength: multiplies the ridge.
        max_steps: step limit.
        tol: CONVERGED once a step changes the weights by less than this, relatively.

    Returns:
        A `Solution` with `Factors`: the leading singular vectors of the horizontal and of the vertical stack of the
        estimate, and the estimate seen in them (its truncation, with the shrinkage that the norm brings).
    """
    r1, r2 = problem.check_rank(rank)
    num_users, num_rows, num_cols = problem.sensing.weights_shape
    dtype, total = problem.targets.dtype, jnp.sum(problem.sample_weights)
    operator_norm = (num_rows**0.5 + (num_users * num_cols) ** 0.5) * jnp.sqrt(total / num_users)
    ridge = jnp.asarray(strength, dtype) * operator_norm
    curvature = _curvature(problem)

    def step(progress: _Progress) -> _Progress:
        errors = problem.targets - problem.sensing(progress.point)
        sigma = jnp.sqrt(safe_divide(jnp.sum(problem.sample_weights * jnp.square(errors)), total))
        descent = problem.sensing.adjoint(problem.sample_weights * errors)
        weights = _shrink(progress.point + safe_divide(descent, curvature), safe_divide(ridge * sigma, curvature))
        moved = weights - progress.weights
        overshot = jnp.sum((progress.point - weights) * moved) > 0
        momentum = jnp.where(overshot, 1.0, 0.5 * (1 + jnp.sqrt(1 + 4 * jnp.square(progress.momentum))))
        share = jnp.where(overshot, 0.0, (progress.momentum - 1) / momentum)
        change = safe_divide(jnp.linalg.norm(moved), jnp.linalg.norm(weights))
        return _Progress(weights, weights + share * moved, momentum, change, progress.num_steps + 1)

    def running(progress: _Progress) -> Bool[Array, ""]:
        return (progress.change > tol) & (progress.num_steps < max_steps)

    zero = jnp.zeros(problem.sensing.weights_shape, dtype)
    one = jnp.ones((), dtype)
    last = jax.lax.while_loop(running, step, _Progress(zero, zero, one, one, jnp.zeros((), jnp.int32)))
    left = top_eigenvectors(contract("kab,kcb->ac", last.weights, last.weights), r1)
    right = top_eigenvectors(contract("kab,kac->bc", last.weights, last.weights), r2)
    factors = Factors(left, contract("ar,kab,bs->krs", left, last.weights, right), right)
    return Solution(
        factors,
        jnp.where(last.change > tol, Status.MAX_STEPS, Status.CONVERGED).astype(jnp.int32),
        last.num_steps,
        safe_divide(jnp.linalg.norm(problem.residual(factors)), jnp.linalg.norm(problem.scaled_targets)),
        last.change,
        None,
        problem.offset,
    )


def _shrink(weights: Float[Array, "k d1 d2"], threshold: Float[Array, ""]) -> Float[Array, "k d1 d2"]:
    """The stacked matrix with its singular values lowered by the threshold: the proximal map of the nuclear norm."""
    squares, vectors = jnp.linalg.eigh(contract("kab,kcb->ac", weights, weights))
    values = jnp.sqrt(jnp.maximum(squares, jnp.finfo(squares.dtype).tiny))
    kept = jnp.maximum(1 - threshold / values, 0.0)
    return contract("ac,kcb->kab", contract("ar,r,cr->ac", vectors, kept, vectors), weights)


def _curvature(problem: Problem) -> Float[Array, ""]:
    """The largest eigenvalue of the Hessian in the weights, by power iteration for every user at once."""

    def iterate(_: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        weights, _ = carry
        image = problem.sensing.adjoint(problem.sample_weights * problem.sensing(weights))
        sizes = jnp.sqrt(jnp.sum(jnp.square(image), axis=(1, 2)))
        return safe_divide(image, jnp.broadcast_to(sizes[:, None, None], image.shape)), sizes

    shape, dtype = problem.sensing.weights_shape, problem.targets.dtype
    start = jax.random.normal(jax.random.key(0), shape, dtype)
    start = start / jnp.sqrt(jnp.sum(jnp.square(start), axis=(1, 2), keepdims=True))
    _, sizes = jax.lax.fori_loop(0, _POWER_ITERATIONS, iterate, (start, jnp.zeros(shape[0], dtype)))
    return _MARGIN * jnp.max(sizes)

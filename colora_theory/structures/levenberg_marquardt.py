"""Damped Gauss-Newton steps for sums of squares whose derivative fits into memory."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from colora_theory.linalg import safe_divide
from colora_theory.solvers.base import judge_step

# Damping relative to the largest diagonal entry of the normal matrix: at the beginning, and the least. Parameters that
# change nothing leave that matrix singular; the least damping is what keeps its factorization within rounding.
_FIRST_DAMPING = 1e-2
_LEAST_DAMPING = 1e-13


class Descent(eqx.Module):
    """Where a descent is.

    Attributes:
        point: the iterate, shape (p,).
        residual: there, shape (n,).
        loss: half its squared norm.
        relative_gradient: ||J^T e|| / (||J|| ||e||), before the last step; infinite before the first one.
        damping: of the next step, relative to the largest diagonal entry of J^T J.
        growth: what the damping is multiplied by if that step is turned down.
        num_steps: taken or turned down.
    """

    point: Float[Array, " p"]
    residual: Float[Array, " n"]
    loss: Float[Array, ""]
    relative_gradient: Float[Array, ""]
    damping: Float[Array, ""]
    growth: Float[Array, ""]
    num_steps: Int[Array, ""]


def descend(
    residual_of: Callable[[Float[Array, " p"]], Float[Array, " n"]],
    point: Float[Array, " p"],
    *,
    exact: Float[Array, ""],
    gradient_tol: Float[Array, ""],
    max_steps: int,
) -> tuple[Descent, Bool[Array, ""]]:
    """Levenberg and Marquardt's method with Nielsen's rule for the damping.

    Args:
        residual_of: the residual at a point.
        point: where it begins.
        exact: losses up to this are zero.
        gradient_tol: relative gradients below this are zero.
        max_steps: the limit.

    Returns:
        The end, and whether it is optimal.
    """
    residual = residual_of(point)
    eps = jnp.finfo(point.dtype).eps

    def optimal(state: Descent) -> Bool[Array, ""]:
        return (state.loss <= exact) | (state.relative_gradient <= gradient_tol)

    def goes_on(state: Descent) -> Bool[Array, ""]:
        stuck = state.damping > 1 / eps
        return ~optimal(state) & ~stuck & (state.num_steps < max_steps)

    def step(state: Descent) -> Descent:
        derivative = jax.jacfwd(residual_of)(state.point)
        normal, gradient = derivative.T @ derivative, derivative.T @ state.residual
        largest = jnp.max(jnp.diagonal(normal))
        damped = normal + state.damping * largest * jnp.eye(len(gradient), dtype=gradient.dtype)
        move = -jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(damped), gradient)
        moved = state.point + move
        residual = residual_of(moved)
        loss = 0.5 * jnp.sum(jnp.square(residual))
        promised = 0.5 * jnp.sum(move * (state.damping * largest * move - gradient))
        gained = state.loss - loss
        good, blind = judge_step(promised, gained, state.loss)
        taken = good & jnp.all(jnp.isfinite(moved))
        gain = jnp.where(blind, 1.0, safe_divide(gained, promised))
        eased = state.damping * jnp.maximum(1 / 3, 1 - (2 * gain - 1) ** 3)
        return Descent(
            jnp.where(taken, moved, state.point),
            jnp.where(taken, residual, state.residual),
            jnp.where(taken, loss, state.loss),
            # ||J||_F bounds the spectral norm, and is what can be had for nothing.
            safe_divide(jnp.linalg.norm(gradient), jnp.sqrt(jnp.trace(normal) * 2 * state.loss)),
            jnp.where(taken, jnp.maximum(eased, _LEAST_DAMPING), state.damping * state.growth),
            jnp.where(taken, 2.0, 2 * state.growth),
            state.num_steps + 1,
        )

    begun = Descent(
        point,
        residual,
        0.5 * jnp.sum(jnp.square(residual)),
        jnp.asarray(jnp.inf, point.dtype),
        jnp.asarray(_FIRST_DAMPING, point.dtype),
        jnp.asarray(2.0, point.dtype),
        jnp.asarray(0, jnp.int32),
    )
    end = jax.lax.while_loop(goes_on, step, begun)
    return end, optimal(end)

"""Least squares for weights that are combinations of few low-rank adapters, block by block."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from colora_theory.linalg import contract, safe_divide, solve_normal
from colora_theory.problem import Problem
from colora_theory.sensing import NormalSystem

# Under the spectrum of a user's small system, relative to its trace: components that it cannot tell apart.
_FLOOR_IN_EPS = 10.0
# Sweeps of one step.
SWEEPS = 10


class Blocks(eqx.Module):
    """Shares and components.

    Attributes:
        shares: of each user in each component, shape (k, m).
        left: shape (m, d1, r).
        right: shape (m, d2, r).
    """

    shares: Float[Array, "k m"]
    left: Float[Array, "m d1 r"]
    right: Float[Array, "m d2 r"]

    @property
    def cores(self) -> Float[Array, "k mr mr"]:
        """The weights as U C_i V^T, all components side by side: diagonal cores that repeat each share r times."""
        repeated = jnp.repeat(self.shares, self.left.shape[2], axis=1)
        return repeated[:, :, None] * jnp.eye(repeated.shape[1], dtype=repeated.dtype)[None]


class Sweeps(eqx.Module):
    """Where the sweeps are.

    Attributes:
        blocks: the iterate.
        loss: half the weighted sum of squares there.
        relative_gradient: the larger one of the two factors', each before its update in the last sweep.
        num_steps: taken, of `SWEEPS` sweeps each.
    """

    blocks: Blocks
    loss: Float[Array, ""]
    relative_gradient: Float[Array, ""]
    num_steps: Int[Array, ""]


def alternate(
    problem: Problem,
    blocks: Blocks,
    supports: Bool[np.ndarray, "s m"],
    *,
    exact: Float[Array, ""],
    gradient_tol: Float[Array, ""],
    max_steps: int,
) -> tuple[Sweeps, Bool[Array, ""]]:
    """Exact least squares in one block after the other: all shares, all left factors, all right factors.

    No update raises the loss. At a point where neither factor moves, the shares are the best ones, too: they were
    solved for in the same sweep.

    Args:
        problem: the data.
        blocks: where it begins; the shares are solved for first.
        supports: the sets of components that a user may combine, see `best_shares`.
        exact: losses up to this are zero.
        gradient_tol: relative gradients up to this are zero.
        max_steps: the limit.

    Returns:
        The end, and whether it is optimal.
    """

    def optimal(state: Sweeps) -> Bool[Array, ""]:
        return (state.loss <= exact) | (state.relative_gradient <= gradient_tol)

    def step(state: Sweeps) -> Sweeps:
        def again(_: Int[Array, ""], carried: tuple[Blocks, Array, Array]) -> tuple[Blocks, Array, Array]:
            return sweep(problem, carried[0], supports)

        start = (state.blocks, state.loss, state.relative_gradient)
        blocks, loss, gradient = jax.lax.fori_loop(0, SWEEPS, again, start)
        return Sweeps(blocks, loss, gradient, state.num_steps + 1)

    infinite = jnp.asarray(jnp.inf, problem.targets.dtype)
    begun = Sweeps(blocks, infinite, infinite, jnp.zeros((), jnp.int32))
    end = jax.lax.while_loop(lambda state: ~optimal(state) & (state.num_steps < max_steps), step, begun)
    return end, optimal(end)


def sweep(
    problem: Problem, blocks: Blocks, supports: Bool[np.ndarray, "s m"]
) -> tuple[Blocks, Float[Array, ""], Float[Array, ""]]:
    """One update of every block.

    Returns:
        The blocks, the loss, and the larger relative gradient of the two factors.
    """
    num_components, _, rank = blocks.left.shape
    targets = problem.scaled_targets
    right, triangle = jnp.linalg.qr(blocks.right)
    left = contract("mar,msr->mas", blocks.left, triangle)
    at_right = problem.restrict_right(_side_by_side(right))

    def measured(component: Int[Array, ""]) -> Float[Array, "k n"]:
        only = jnp.where(jnp.arange(num_components) == component, 1.0, 0.0)
        products = _side_by_side(left * only[:, None, None])
        return at_right(jnp.broadcast_to(products, (len(targets), *products.shape)))

    design = jax.lax.map(measured, jnp.arange(num_components))
    residual = targets - contract("km,mkn->kn", blocks.shares, design)
    gram, descent = contract("mkn,ckn->kmc", design, design), contract("mkn,kn->km", design, residual)
    blocks = Blocks(best_shares(blocks.shares, gram, descent, supports), left, right)
    residual = targets - contract("km,mkn->kn", blocks.shares, design)
    increment, flat_left = _increment(at_right.factor_system(blocks.cores, residual), residual)
    left = left + jnp.swapaxes(increment.reshape(num_components, rank, -1), 1, 2)

    left, triangle = jnp.linalg.qr(left)
    right = contract("mbr,msr->mbs", right, triangle)
    blocks = Blocks(blocks.shares, left, right)
    at_left = problem.restrict_left(_side_by_side(left))
    products = contract("br,krs->kbs", _side_by_side(right), blocks.cores)
    residual = targets - at_left(products)
    increment, flat_right = _increment(at_left.factor_system(blocks.cores, residual), residual)
    right = right + jnp.swapaxes(increment.reshape(num_components, rank, -1), 1, 2)

    blocks = Blocks(blocks.shares, left, right)
    residual = targets - at_left(contract("br,krs->kbs", _side_by_side(right), blocks.cores))
    return blocks, 0.5 * jnp.sum(jnp.square(residual)), jnp.maximum(flat_left, flat_right)


def _side_by_side(factors: Float[Array, "m d r"]) -> Float[Array, "d mr"]:
    return jnp.moveaxis(factors, 0, 1).reshape(factors.shape[1], -1)


def _increment(system: NormalSystem, residual: Float[Array, "k n"]) -> tuple[Float[Array, " p"], Float[Array, ""]]:
    """The exact update of a factor, and the relative gradient before it."""
    scale = jnp.sqrt(jnp.trace(system.normal)) * jnp.linalg.norm(residual)
    return solve_normal(system.normal, system.descent), safe_divide(jnp.linalg.norm(system.descent), scale)


def best_shares(
    shares: Float[Array, "k m"],
    gram: Float[Array, "k m m"],
    descent: Float[Array, "k m"],
    supports: Bool[np.ndarray, "s m"],
) -> Float[Array, "k m"]:
    """For each user, the shares pi >= 0 with sum 1 and least squares, zero outside of a support.

    Exact: the minimum lies inside one of the faces of the simplex, and there is what a linear system gives. With all
    supports, the whole simplex; with single components, one component for each user. Solved for the change from the
    present shares, so that rounding limits the change and not the result.

    Args:
        shares: those at present.
        gram: of the measurements of each user's components.
        descent: their products with its residual at present.
        supports: which components may be used together; every single component has to be among them.
    """
    num_components = shares.shape[1]
    eps = jnp.finfo(gram.dtype).eps
    size = jnp.trace(gram, axis1=1, axis2=2)[:, None, None]
    scaled = safe_divide(gram, jnp.broadcast_to(size, gram.shape))
    scaled = scaled + _FLOOR_IN_EPS * eps * jnp.eye(num_components, dtype=gram.dtype)[None]
    aim = safe_divide(descent, jnp.broadcast_to(size[:, 0], descent.shape))
    missing = 1 - jnp.sum(shares, axis=1, keepdims=True)

    def on(support: Bool[Array, " m"]) -> tuple[Float[Array, "k m"], Float[Array, " k"]]:
        used = support.astype(gram.dtype)
        inner = scaled * used[None, :, None] + jnp.diag(1 - used)[None]
        column = jnp.broadcast_to(used[None, :, None], (*aim.shape, 1))
        row = jnp.ones((len(aim), 1, num_components), gram.dtype)
        whole = jnp.block([[inner, column], [row, jnp.zeros((len(aim), 1, 1), gram.dtype)]])
        side = jnp.concatenate([aim * used[None] - shares * (1 - used)[None], missing], axis=1)
        change = jnp.linalg.solve(whole, side[..., None])[:, :num_components, 0]
        # A vertex without the rounding of its system.
        vertex = jnp.broadcast_to(used[None], shares.shape)
        there = jnp.where(jnp.sum(used) == 1, vertex, (shares + change) * used[None])
        value = 0.5 * contract("km,kmc,kc->k", change, scaled, change) - jnp.sum(change * aim, axis=1)
        return there, jnp.where(jnp.all(there >= 0, axis=1), value, jnp.inf)

    found, values = jax.vmap(on)(jnp.asarray(supports))
    best = jnp.argmin(values, axis=0)
    return jnp.take_along_axis(found, best[None, :, None], axis=0)[0]


def all_supports(num_components: int) -> Bool[np.ndarray, "s m"]:
    """All sets of components but the empty one, shape (2^m - 1, m)."""
    sets = itertools.product([False, True], repeat=num_components)
    return np.array([each for each in sets if any(each)])

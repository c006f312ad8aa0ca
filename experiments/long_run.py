"""The long-run rate of a solver near a truth, measured beyond what one run can show.

A run ends at rounding after a dozen decades, and where several modes decay at nearly the same rate that is too short
for the slowest of them to take over. So the error is magnified again each time it has become small: a power iteration
with the solver itself.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

import colora_theory as ct
from colora_theory.linalg import contract

# The relative error that each round starts from: its square is what the rate may be off by, relatively.
_SIZE = 1e-4
_ROUNDS, _SWEEPS, _COUNTED = 80, 5, 30


@eqx.filter_jit
def long_run_contraction(problem: ct.Problem, truth: ct.Factors, solver: ct.solvers.AbstractSolver) -> Float[Array, ""]:
    """The geometric mean factor per step, over the last 150 of 400 steps.

    Args:
        problem: the design and the weights; measured are the truth's own data, without noise.
        truth: where the solver converges to.
        solver: one whose state begins anew from its factors.
    """
    goal = truth.orthonormalize()
    problem = eqx.tree_at(lambda problem: problem.targets, problem, problem.sensing(jnp.asarray(goal.compose())))
    start = ct.starts.Near(goal, _SIZE)(problem, goal.rank, jax.random.key(0))

    def play(index: Int[Array, ""], carry: tuple[ct.Factors, Float[Array, ""]]) -> tuple[ct.Factors, Float[Array, ""]]:
        factors, total = carry
        magnified = _magnify(goal, factors)
        before = ct.metrics.relative_error(magnified, goal)
        state = solver.init(problem, magnified)
        state = jax.lax.fori_loop(0, _SWEEPS, lambda _, state: solver.step(problem, state), state)
        gained = jnp.log(ct.metrics.relative_error(state.factors, goal) / before)
        return state.factors, total + jnp.where(index >= _ROUNDS - _COUNTED, gained, 0.0)

    _, total = jax.lax.fori_loop(0, _ROUNDS, play, (start, jnp.zeros((), problem.targets.dtype)))
    return jnp.exp(total / (_COUNTED * _SWEEPS))


def _magnify(goal: ct.Factors, factors: ct.Factors) -> ct.Factors:
    """The point at a relative error of about `_SIZE` in the same direction from the goal, to first order."""
    turn_left = contract("ar,as->rs", goal.left, factors.left)
    turn_right = contract("ar,as->rs", goal.right, factors.right)
    # In bases that agree with the goal's along its subspaces only what leaves them is different.
    left = jnp.linalg.solve(turn_left.T, factors.left.T).T
    right = jnp.linalg.solve(turn_right.T, factors.right.T).T
    cores = contract("pr,krs,qs->kpq", turn_left, factors.cores, turn_right)
    scale = _SIZE / ct.metrics.relative_error(factors, goal)
    return ct.Factors(
        goal.left + scale * (left - goal.left),
        goal.cores + scale * (cores - goal.cores),
        goal.right + scale * (right - goal.right),
    )

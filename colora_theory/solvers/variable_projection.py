"""Variable projection: Gauss-Newton on the two subspaces, the cores eliminated."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.linalg import contract, safe_divide, solve_normal, spectral_bound
from colora_theory.problem import Problem
from colora_theory.sensing import shared_normal
from colora_theory.solvers.base import AbstractSolver, State, half_square, relative_gradient
from colora_theory.solvers.linearization import Linearization

# A step is taken if the loss falls by this share of what the quadratic model promised.
_ACCEPTANCE = 1e-4


class Memory(eqx.Module):
    """The model at the iterate, and how far it is trusted.

    Attributes:
        model: the scaled measurements to first order, at the least-squares cores.
        damping: the Levenberg-Marquardt parameter, relative to the mean diagonal and to the squared relative residual.
        growth: the factor by which a rejected step raises the damping.
    """

    model: Linearization
    damping: Float[Array, ""]
    growth: Float[Array, ""]


class VariableProjection(AbstractSolver):
    """Damped Gauss-Newton steps (Levenberg-Marquardt) on range(U) and range(V); the cores are always the best ones.

    Eliminating the cores leaves a problem on two Grassmann manifolds whose Jacobian is that of U and V with the part
    explained by the cores projected out (Kaufman's variable projection); the retraction is QR. The damping vanishes
    with the squared residual, so that convergence is quadratic on noiseless data. One step forms and factors a matrix
    of size d1 r1 + d2 r2: meant for sizes up to a few thousand.

    Attributes:
        damping: the first damping.
    """

    damping: float | Float[Array, ""] = 1.0

    def init(self, problem: Problem, factors: Factors) -> State:
        model = Linearization.at(problem, factors.orthonormalize()).fit_cores()
        dtype = model.residual.dtype
        return _state(Memory(model, jnp.asarray(self.damping, dtype), jnp.asarray(2.0, dtype)), jnp.asarray(jnp.inf))

    def step(self, problem: Problem, state: State) -> State:
        memory = state.memory
        model = memory.model
        normal, descent = _reduced_system(model)
        measure = relative_gradient(descent, spectral_bound(normal), jnp.linalg.norm(model.residual))

        share = safe_divide(2 * state.loss, jnp.sum(jnp.square(problem.scaled_targets)))
        shift = memory.damping * share * jnp.trace(normal) / normal.shape[0]
        change = solve_normal(normal + shift * jnp.eye(normal.shape[0], dtype=normal.dtype), descent)
        trial = Linearization.at(problem, _move(model.factors, change)).fit_cores()

        promised = 0.5 * jnp.sum(change * (shift * change + descent))
        gained = state.loss - half_square(trial.residual)
        # Below rounding a comparison of losses says nothing: the step is taken, the damping stays what it was.
        rounding = 100 * jnp.finfo(normal.dtype).eps * state.loss
        blind = promised < rounding
        accepted = jnp.where(blind, gained > -rounding, gained > _ACCEPTANCE * promised)
        # Nielsen's rule: the better the model, the less damping; ever more, the more often it fails in a row.
        quality = jnp.minimum(safe_divide(gained, promised), 1.0)
        relaxed = jnp.where(blind, 1.0, jnp.maximum(1 / 3, 1 - (2 * quality - 1) ** 3))
        updated = Memory(
            jax.tree.map(lambda new, old: jnp.where(accepted, new, old), trial, model),
            memory.damping * jnp.where(accepted, relaxed, memory.growth),
            jnp.where(accepted, 2.0, 2 * memory.growth),
        )
        return _state(updated, measure)


def _state(memory: Memory, measure: Float[Array, ""]) -> State:
    return State(memory.model.factors, half_square(memory.model.residual), measure, memory)


def _reduced_system(model: Linearization) -> tuple[Float[Array, "q q"], Float[Array, " q"]]:
    """Normal equations for (U^T, V^T) in row-major order, after the cores have done all they can."""
    factors = model.factors
    design = jnp.concatenate(
        [model.at_right.factor_design(factors.cores), model.at_left.factor_design(factors.cores.mT)]
    )
    normal, descent = shared_normal(design, model.residual)
    cores = model.at_right.core_design(factors.left)
    inner = contract("pkn,qkn->kpq", cores, cores)
    coupling = contract("pkn,qkn->kpq", cores, design)
    explained = jax.vmap(jax.vmap(solve_normal, (None, 1), 1))(inner, coupling)
    return normal - contract("kpq,kpw->qw", coupling, explained), descent


def _move(factors: Factors, change: Float[Array, " q"]) -> Factors:
    split = factors.left.size
    left = factors.left + change[:split].reshape(factors.left.T.shape).T
    right = factors.right + change[split:].reshape(factors.right.T.shape).T
    return Factors(left, factors.cores, right).orthonormalize()

"""Variable projection: Gauss-Newton on the two subspaces, the cores eliminated."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from colora_theory.factors import Factors
from colora_theory.linalg import safe_divide
from colora_theory.problem import Problem
from colora_theory.solvers.base import AbstractSolver, Effort, State, half_square, judge_step
from colora_theory.solvers.linearization import Linearization
from colora_theory.solvers.reduced_step import AbstractReducedStep, Direct

# Gauss-Newton steps that gain less than this share of the loss are slow: the residual is large, and its product with
# the second derivatives matters.
_SLOW = 0.1


class Memory(eqx.Module):
    """The model at the iterate, and how far it is trusted.

    Attributes:
        model: the scaled measurements to first order, at the least-squares cores.
        damping: the Levenberg-Marquardt parameter, relative to the mean curvature and to the squared relative residual.
        growth: the factor by which a rejected step raises the damping.
        curved: whether the last step was slow.
    """

    model: Linearization
    damping: Float[Array, ""]
    growth: Float[Array, ""]
    curved: Bool[Array, ""]


class VariableProjection(AbstractSolver):
    """Damped Gauss-Newton steps (Levenberg-Marquardt) on range(U) and range(V); the cores are always the best ones.

    Eliminating the cores leaves a problem on two Grassmann manifolds whose Jacobian is that of U and V with the part
    explained by the cores projected out (Kaufman's variable projection); the retraction is QR. The damping vanishes
    with the squared residual, so that convergence is quadratic on noiseless data; with noise, exact Newton steps take
    over near the minimum (see `Direct`).

    Attributes:
        damping: the first damping.
        reduced_step: how the normal equations are solved: `Direct`, or `ConjugateGradient` for large d r.
    """

    eliminates_cores: ClassVar[bool] = True

    damping: float | Float[Array, ""] = 1.0
    reduced_step: AbstractReducedStep = Direct()

    def init(self, problem: Problem, factors: Factors) -> State:
        # Once more for the increment: cores fitted from zero are as far off as the floor under their normal matrix.
        model = Linearization.at(problem, factors.orthonormalize()).fit_cores().fit_cores()
        dtype = model.residual.dtype
        memory = Memory(model, jnp.asarray(self.damping, dtype), jnp.asarray(2.0, dtype), jnp.asarray(False))
        return _state(memory, jnp.asarray(jnp.inf), Effort.of(model.residual))

    def step(self, problem: Problem, state: State) -> State:
        memory, model = state.memory, state.memory.model
        share = safe_divide(2 * state.loss, jnp.sum(jnp.square(problem.scaled_targets)))
        proposal = self.reduced_step.propose(problem, model, memory.damping * share, memory.curved)
        factors = model.factors
        moved = Factors(factors.left + proposal.left, factors.cores, factors.right + proposal.right)
        trial = Linearization.at(problem, moved.orthonormalize()).fit_cores()

        gained, promised = state.loss - half_square(trial.residual), proposal.promised
        accepted, blind = judge_step(promised, gained, state.loss)
        # Where the losses cannot tell, the damping stays what it was. Otherwise Nielsen's rule: the better the model,
        # the less damping; ever more, the more often it fails in a row.
        quality = jnp.minimum(safe_divide(gained, promised), 1.0)
        relaxed = jnp.where(blind, 1.0, jnp.maximum(1 / 3, 1 - (2 * quality - 1) ** 3))
        updated = Memory(
            jax.tree.map(lambda new, old: jnp.where(accepted, new, old), trial, model),
            memory.damping * jnp.where(accepted, relaxed, memory.growth),
            jnp.where(accepted, 2.0, 2 * memory.growth),
            (gained < _SLOW * state.loss) & ~blind,
        )
        effort = Effort.of(model.residual, accepted, memory.curved, proposal.products)
        return _state(updated, proposal.measure, effort)


def _state(memory: Memory, measure: Float[Array, ""], effort: Effort) -> State:
    return State(memory.model.factors, half_square(memory.model.residual), measure, memory, effort)

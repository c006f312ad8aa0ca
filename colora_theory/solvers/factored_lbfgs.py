"""Limited-memory BFGS on the factored loss with a balancing penalty."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.linalg import contract, safe_divide
from colora_theory.problem import Problem
from colora_theory.solvers.base import AbstractSolver, Effort, State, half_square, judge_step
from colora_theory.solvers.first_order import optimality, tree_add, tree_dot
from colora_theory.solvers.linearization import Linearization
from colora_theory.solvers.scaled_lbfgs import Pairs

# A step that is not taken is shortened to the minimum of a parabola, and by a factor within these bounds.
_SHORTEST, _LONGEST = 0.1, 0.5


class Memory(eqx.Module):
    """What a step needs.

    Attributes:
        objective: the loss over the mean weight of a user, with the penalty.
        descent: minus its gradient.
        pairs: the last steps and the changes of the gradient along them.
        direction: where to go next.
        length: how far.
        penalty: the weight of the penalty.
        curvature: the largest curvature of the loss along a step so far.
    """

    objective: Float[Array, ""]
    descent: Factors
    pairs: Pairs
    direction: Factors
    length: Float[Array, ""]
    penalty: Float[Array, ""]
    curvature: Float[Array, ""]


class FactoredLBFGS(AbstractSolver):
    """L-BFGS on all blocks at once, for the loss and a penalty on factors that are out of balance.

    With n the mean weight of a user the objective is

        loss / n + balance (||U^T U - sum_i C_i C_i^T||_F^2 + ||V^T V - sum_i C_i^T C_i||_F^2).

    A change of basis makes the penalty vanish and leaves the weights alone, so the minimizer is that of the loss. A
    side whose rank is its size has no subspace to find: it stays at an orthonormal basis, without a penalty. For vector
    tasks (d2 = 1) this is thus the first-order estimator of Tripuraneni, Jin and Jordan (arXiv 2002.11684). Unlike
    `ScaledLBFGS` it feels the condition number of the cores.

    Attributes:
        balance: the weight of the penalty where one side has a subspace to find; where both have one it is multiplied
            by S^(2/3), S the largest singular value of the stacked cores, which makes it as strong, and free of units.
        memory_size: how many pairs are remembered.
    """

    balance: float | Float[Array, ""] = 0.125
    memory_size: int = eqx.field(static=True, default=10)

    def __check_init__(self) -> None:
        if self.memory_size < 1:
            raise ValueError(f"memory_size {self.memory_size} is below 1")

    def init(self, problem: Problem, factors: Factors) -> State:
        balanced, unit = _balance(factors)
        model = Linearization.at(problem, balanced)
        penalty = jnp.asarray(self.balance, unit.dtype) * unit
        objective, descent = _objective(problem, model, penalty)
        curvature = safe_divide(jnp.sum(jnp.square(model.apply(descent))), tree_dot(descent, descent))
        # Along the gradient, to the minimum for measurements linearized at the start.
        length = safe_divide(_mean_weight(problem), curvature)
        blank = jnp.zeros((self.memory_size, _flat(descent).size), length.dtype)
        memory = Memory(objective, descent, Pairs(blank, blank), descent, length, penalty, curvature)
        return _state(model, memory, Effort.of(objective))

    def step(self, problem: Problem, state: State) -> State:
        memory = state.memory
        length, direction = memory.length, memory.direction
        model = Linearization.at(problem, tree_add(state.factors, length, direction))
        objective, descent = _objective(problem, model, memory.penalty)
        promised, gained = length * tree_dot(memory.descent, direction), memory.objective - objective
        accepted, _ = judge_step(promised, gained, memory.objective)

        step, change = length * _flat(direction), _flat(tree_add(memory.descent, -1.0, descent))
        pairs = memory.pairs.push(step, change)
        bent = safe_divide(contract("q,q->", step, change), contract("q,q->", step, step)) * _mean_weight(problem)
        ahead = Memory(
            objective,
            descent,
            pairs,
            _unflat(pairs.apply(_flat(descent)), descent),
            jnp.ones_like(length),
            memory.penalty,
            jnp.maximum(memory.curvature, bent),
        )
        shrink = jnp.clip(0.5 * safe_divide(promised, promised - gained), _SHORTEST, _LONGEST)
        shorter = length * jnp.where(jnp.isfinite(shrink), shrink, _SHORTEST)
        again = eqx.tree_at(lambda state: state.memory.length, state, shorter)
        effort = Effort.of(objective, accepted)
        kept = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), _state(model, ahead, effort), again)
        return eqx.tree_at(lambda state: state.effort, kept, effort)


def _state(model: Linearization, memory: Memory, effort: Effort) -> State:
    loss_descent = _sought(model.transpose(model.residual))
    measure = optimality(loss_descent, memory.curvature, model.residual)
    return State(model.factors, half_square(model.residual), measure, memory, effort)


def _objective(problem: Problem, model: Linearization, penalty: Float[Array, ""]) -> tuple[Float[Array, ""], Factors]:
    """The objective at the point of expansion and minus its gradient."""
    value, slope = jax.value_and_grad(_imbalance)(model.factors)
    descent = tree_add(
        jax.tree.map(lambda leaf: leaf / _mean_weight(problem), model.transpose(model.residual)), -penalty, slope
    )
    return half_square(model.residual) / _mean_weight(problem) + penalty * value, _sought(descent)


def _imbalance(factors: Factors) -> Float[Array, ""]:
    cores, total = factors.cores, jnp.zeros((), factors.cores.dtype)
    for basis, subscripts in ((factors.left, "krs,kps->rp"), (factors.right, "krs,krp->sp")):
        if _has_subspace(basis):
            excess = contract("ar,as->rs", basis, basis) - contract(subscripts, cores, cores)
            total = total + jnp.sum(jnp.square(excess))
    return total


def _balance(factors: Factors) -> tuple[Factors, Float[Array, ""]]:
    """The same weights, their scale shared by the cores and the bases that are sought, and the unit of the penalty."""
    plain = factors.orthonormalize()
    gram = contract("krs,kps->rp", plain.cores, plain.cores)
    scale = jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh(gram)[-1], jnp.finfo(gram.dtype).tiny))
    sides = _has_subspace(plain.left) + _has_subspace(plain.right)
    share = scale ** (1 / (1 + sides))
    left = plain.left * share if _has_subspace(plain.left) else plain.left
    right = plain.right * share if _has_subspace(plain.right) else plain.right
    # The ratio of the curvatures of loss and penalty along a basis: (S / share)^2 over share^2.
    unit = jnp.square(scale / jnp.square(share)) if sides else jnp.ones_like(scale)
    return Factors(left, plain.cores / share**sides, right), unit


def _has_subspace(basis: Float[Array, "d r"]) -> bool:
    return basis.shape[0] > basis.shape[1]


def _sought(direction: Factors) -> Factors:
    """The direction without what would move a basis of the whole space."""
    left, right = (
        basis if _has_subspace(basis) else jnp.zeros_like(basis) for basis in (direction.left, direction.right)
    )
    return Factors(left, direction.cores, right)


def _mean_weight(problem: Problem) -> Float[Array, ""]:
    return jnp.sum(problem.sample_weights) / len(problem.sample_weights)


def _flat(direction: Factors) -> Float[Array, " q"]:
    return jnp.concatenate([direction.left.ravel(), direction.cores.ravel(), direction.right.ravel()])


def _unflat(flat: Float[Array, " q"], like: Factors) -> Factors:
    cuts = like.left.size, like.left.size + like.cores.size
    parts = (flat[: cuts[0]], flat[cuts[0] : cuts[1]], flat[cuts[1] :])
    blocks = zip(parts, (like.left, like.cores, like.right), strict=True)
    return Factors(*(part.reshape(block.shape) for part, block in blocks))

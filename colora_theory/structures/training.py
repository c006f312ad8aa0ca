"""CoLA as it is trained: gradient steps on all A_i and B_j, which its strategies pair differently."""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from colora_theory.linalg import AnyArray, safe_divide
from colora_theory.problem import Problem
from colora_theory.solution import Status
from colora_theory.structures.base import Parameters, halves
from colora_theory.structures.collaborative import Collaborative


@runtime_checkable
class Optimizer(Protocol):
    """What turns gradients into steps; optax's optimizers are of this kind."""

    def init(self, params: Any, /) -> Any:
        """The state before the first step."""

    def update(self, updates: Any, state: Any, params: Any = None, /) -> tuple[Any, Any]:
        """What is to be added to the parameters for a gradient, and the next state."""


class GradientSteps(eqx.Module):
    """Gradient descent with a given step.

    Attributes:
        step: its length, of each array by name.
    """

    step: dict[str, Float[AnyArray, ""] | float]

    def init(self, params: Parameters, /) -> tuple[()]:
        """No state."""
        return ()

    def update(self, updates: Parameters, state: tuple[()], params: Any = None, /) -> tuple[Parameters, tuple[()]]:
        """Down the gradient."""
        return {name: -jnp.asarray(self.step[name], each.dtype) * each for name, each in updates.items()}, state


class Training(eqx.Module):
    """What training gave.

    Attributes:
        parameters: after the last step.
        weights: the users' weights there, the frozen weight included, shape (num_users, num_rows, num_cols).
        losses: `training_loss` of the weights before each step, shape (num_steps,).
        status: MAX_STEPS, or NONFINITE if the steps were too long.
    """

    parameters: Parameters
    weights: Float[Array, "k d1 d2"]
    losses: Float[Array, " steps"]
    status: Int[Array, ""]


def training_loss(problem: Problem, adapters: Float[AnyArray, "k d1 d2"]) -> Float[Array, ""]:
    """Half the weighted mean of the squared residuals: one half for residuals of one, however many there are."""
    residual = problem.scale * problem.sensing(jnp.asarray(adapters)) - problem.scaled_targets
    return 0.5 * safe_divide(jnp.sum(jnp.square(residual)), jnp.sum(problem.sample_weights))


def pairing_penalty(problem: Problem, structure: Collaborative, parameters: Parameters) -> Float[Array, ""]:
    """By how much the expected `training_loss` over random pairings exceeds that of the expected weights.

    N / 2 times the sum over i and j of the mean square of the measurements of (B_j - mean of the B) A_i: zero if all
    B_j are equal, or differ in what no A_i and no measurement sees.
    """
    left, right = jnp.asarray(parameters["left"]), jnp.asarray(parameters["right"])
    apart = left - jnp.mean(left, axis=0, keepdims=True)
    shape, total = problem.sensing.weights_shape, jnp.sum(problem.sample_weights)

    def seen(pair: Int[Array, " 2"]) -> Float[Array, ""]:
        product = apart[pair[0]] @ right[pair[1]].T
        measured = problem.scale * problem.sensing(jnp.broadcast_to(product, shape))
        return safe_divide(jnp.sum(jnp.square(measured)), total)

    pairs = jnp.stack(jnp.meshgrid(jnp.arange(len(left)), jnp.arange(len(right)), indexing="ij"), -1).reshape(-1, 2)
    return 0.5 * len(left) * jnp.sum(jax.lax.map(seen, pairs))


def principal_start(problem: Problem, structure: Collaborative) -> tuple[Parameters, Problem]:
    """CoLA's start from a frozen weight W_0: its r leading singular triples are trained, the rest stays frozen.

    With the leading part U S V^T, all B_j are 1 / N of U S^(1/2) and all A_i are 1 / M of S^(1/2) V^T. What the adapter
    then is leaves the frozen weight, so that every strategy begins at W_0 itself: U S V^T for the full one, and 1 / M
    of that for the heuristic one, whose A_i meet one group each.

    Returns:
        The start, and the problem with the rest frozen: adapters of the one are W_i less the offset of the other.

    Raises:
        ValueError: for a problem without an offset, or weights that cannot have the structure.
    """
    shape = problem.sensing.weights_shape
    structure.check(shape)
    if problem.offset is None:
        raise ValueError("the problem has no offset, whose principal part would be the start: give the frozen weight")
    begun = structure.share_out(*halves(problem.offset, structure.rank))
    adapters = jnp.asarray(structure.compose(begun))
    targets = problem.targets + problem.sensing(adapters)
    return begun, Problem(problem.sensing, targets, problem.sample_weights, problem.offset - adapters[0])


def train_collaborative(
    problem: Problem,
    structure: Collaborative,
    optimizer: Optimizer,
    begin: Parameters,
    *,
    num_steps: int,
    key: PRNGKeyArray | None = None,
) -> Training:
    """Trains on the data of all users, in steps on the gradient of `training_loss` over all of them.

    One LoRA is the case N = M = 1. Under the random strategy each step follows the gradient for the pairing that it
    draws; losses and weights are those of the expected product.

    Args:
        problem: the data.
        structure: sizes and strategy.
        optimizer: turns gradients into steps, such as `GradientSteps` or any of optax.
        begin: the parameters to begin with, such as those of `principal_start`.
        num_steps: how many.
        key: randomness of the pairings; that of 0 unless given.

    Raises:
        ValueError: if weights of the problem's shape cannot have the structure, for parameters of other shapes, or
            fewer than one step.
    """
    _, num_rows, num_cols = problem.sensing.weights_shape
    structure.check(problem.sensing.weights_shape)
    wanted = {
        "left": (structure.num_left, num_rows, structure.rank),
        "right": (structure.num_right, num_cols, structure.rank),
    }
    given = {name: tuple(each.shape) for name, each in begin.items()}
    if given != wanted:
        raise ValueError(f"begin has arrays of shapes {given}, the structure {wanted}")
    if num_steps < 1:
        raise ValueError(f"num_steps {num_steps} is below 1")
    start: Parameters = {name: jnp.asarray(each, problem.targets.dtype) for name, each in begin.items()}
    return _train(problem, structure, optimizer, start, num_steps, jax.random.key(0) if key is None else key)


@eqx.filter_jit
def _train(
    problem: Problem,
    structure: Collaborative,
    optimizer: Optimizer,
    begin: Parameters,
    num_steps: int,
    key: PRNGKeyArray,
) -> Training:
    dtype = problem.targets.dtype

    def loss_of(parameters: Parameters, pairing: Float[Array, "n m"]) -> Float[Array, ""]:
        return training_loss(problem, structure.compose_pairs(parameters, pairing))

    def step(carried: tuple[Parameters, Any], key: PRNGKeyArray) -> tuple[tuple[Parameters, Any], Float[Array, ""]]:
        parameters, state = carried
        gradient = jax.grad(loss_of)(parameters, structure.draw_pairing(key, dtype))
        updates, state = optimizer.update(gradient, state, parameters)
        moved = {name: each + updates[name] for name, each in parameters.items()}
        return (moved, state), loss_of(parameters, structure.pairing(dtype))

    keys = jax.random.split(key, num_steps)
    (parameters, _), losses = jax.lax.scan(step, (begin, optimizer.init(begin)), keys)
    adapters = jnp.asarray(structure.compose(parameters))
    weights = adapters if problem.offset is None else adapters + problem.offset[None]
    finite = jnp.all(jnp.isfinite(losses)) & jnp.all(jnp.isfinite(weights))
    status = jnp.where(finite, Status.MAX_STEPS, Status.NONFINITE).astype(jnp.int32)
    return Training(parameters, weights, losses, status)

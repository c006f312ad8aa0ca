"""Fine-tunes the adapters and readouts of all users at once, in one batch axis."""

import dataclasses
import hashlib
import io
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from colora_theory.experiments.files import put
from colora_theory.experiments.seeding import fingerprint
from colora_theory.language.bank import Bank
from colora_theory.language.errors import LanguageError
from colora_theory.language.methods import Method
from colora_theory.language.model import Model, Trained, features, prepare
from colora_theory.language.tasks import Labelled
from colora_theory.solution import Status


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How long and in what pieces.

    Attributes:
        num_steps: of Adam.
        batch: words of a user in a step, drawn anew for each; all of them if they are no more.
        decay: weight decay, of the readouts and the adapters alike.
        segment: steps between two checkpoints.
    """

    num_steps: int = 40
    batch: int = 20
    decay: float = 0.01
    segment: int = 20


class Tuned(eqx.Module):
    """What fine-tuning gave.

    Attributes:
        model: the frozen part.
        trained: the parameters after the last step.
        losses: before each step, shape (num_steps,).
        status: MAX_STEPS, or NONFINITE if the steps were too long.
    """

    model: Model
    trained: Trained
    losses: Float[Array, " steps"]
    status: Int[Array, ""]


class State(eqx.Module):
    """Where a run is.

    Attributes:
        trained: the parameters.
        optimizer: moments of Adam.
        losses: before each step that was taken, NaN for the others.
        step: how many were taken.
    """

    trained: Trained
    optimizer: Any
    losses: Float[Array, " steps"]
    step: Int[Array, ""]


def prototypes(bank: Bank, samples: Labelled) -> Float[Array, "k 1 width+1"]:
    """The readout of each user on frozen features that tells the means of its two kinds of words apart.

    It is 1 at the one mean and -1 at the other: the least-squares solution on the line through both.
    """
    told = np.asarray(features(jnp.asarray(bank.vocabulary.embeddings), bank.centre, bank.scale))[samples.words, :-1]
    weights = np.stack([samples.labels, ~samples.labels]).astype(told.dtype)
    means = np.einsum("skn,knw->skw", weights / np.sum(weights, axis=2, keepdims=True), told)
    between, middle = means[0] - means[1], (means[0] + means[1]) / 2
    slopes = 2 * between / np.sum(between**2, axis=1, keepdims=True)
    return jnp.asarray(np.concatenate([slopes, -np.sum(slopes * middle, axis=1, keepdims=True)], axis=1)[:, None])


def begin(method: Method, bank: Bank, samples: Labelled, recipe: Recipe, *, key: PRNGKeyArray) -> tuple[Model, State]:
    """The frozen part of a run and its state before the first step; see `fine_tune`."""
    model, trained = prepare(method, bank, prototypes(bank, samples), key=key)
    optimizer = optax.adamw(method.learning_rate, weight_decay=recipe.decay)
    losses = jnp.full(recipe.num_steps, jnp.nan, bank.hidden.dtype)
    return model, State(trained, optimizer.init(trained), losses, jnp.array(0))


def fine_tune(
    method: Method,
    bank: Bank,
    samples: Labelled,
    recipe: Recipe = Recipe(),
    *,
    key: PRNGKeyArray,
    checkpoint: Path | None = None,
) -> Tuned:
    """Train the adapters and readouts of a method on the labelled words of all users, by the logistic loss.

    Args:
        method: what is shared.
        bank: the words.
        samples: of each user.
        recipe: how long.
        key: randomness of the start, the batches and the pairings.
        checkpoint: a file that the state is kept in between segments; a run that was killed goes on from there, to the
            same end.

    Raises:
        LanguageError: If a structure does not fit the maps, or the checkpoint is damaged or of another run.
    """
    start_key, step_key = jax.random.split(key)
    model, state = begin(method, bank, samples, recipe, key=start_key)
    run = fingerprint(
        {
            "method": method.title,
            "rate": method.learning_rate,
            "recipe": dataclasses.asdict(recipe),
            "key": jax.random.key_data(key).tolist(),
            "words": samples.words.tolist(),
            "labels": samples.labels.tolist(),
        }
    )
    if checkpoint is not None and checkpoint.exists():
        state = _load(checkpoint, run, state)
    words, labels = jnp.asarray(samples.words), jnp.asarray(samples.labels)
    inputs = bank.inputs(not model.layers)
    while int(state.step) < recipe.num_steps:
        steps = min(recipe.segment, recipe.num_steps - int(state.step))
        state = advance(model, state, method, recipe, *inputs, words, labels, step_key, steps)
        if checkpoint is not None:
            _save(checkpoint, run, state)
    finite = jnp.all(jnp.isfinite(state.losses))
    status = jnp.where(finite, Status.MAX_STEPS, Status.NONFINITE).astype(jnp.int32)
    return Tuned(model, state.trained, state.losses, status)


@eqx.filter_jit
def advance(
    model: Model,
    state: State,
    method: Method,
    recipe: Recipe,
    hidden: Float[Array, "words tokens width"],
    mask: Bool[Array, "words tokens"],
    words: Int[Array, "k n"],
    labels: Bool[Array, "k n"],
    key: PRNGKeyArray,
    steps: int,
) -> State:
    """A run after some more steps.

    Args:
        model: the frozen part.
        state: where the run is.
        method: what is shared.
        recipe: batch and decay.
        hidden: of all words, below the adapted layers, shape (num_words, tokens, width).
        mask: which tokens are there, shape (num_words, tokens).
        words: places of each user's words, shape (num_users, num_samples).
        labels: whether they are of the user's task, of the same shape.
        key: randomness of all steps.
        steps: how many.
    """
    optimizer = optax.adamw(method.learning_rate, weight_decay=recipe.decay)
    users, count = words.shape

    def loss_of(
        trained: Trained, some: Int[Array, "k b"], told: Bool[Array, "k b"], key: PRNGKeyArray
    ) -> Float[Array, ""]:
        logits = model.logits(trained, hidden[some], mask[some], key)
        return jnp.mean(jax.nn.softplus(jnp.where(told, -logits, logits)))

    def step(state: State, number: Int[Array, ""]) -> tuple[State, None]:
        batch_key, pair_key = jax.random.split(jax.random.fold_in(key, number))
        some, told = words, labels
        if count > recipe.batch:
            order = jax.vmap(lambda own: jax.random.permutation(own, count)[: recipe.batch])(
                jax.random.split(batch_key, users)
            )
            some, told = (jnp.take_along_axis(each, order, axis=1) for each in (words, labels))
        loss, gradient = jax.value_and_grad(loss_of)(state.trained, some, told, pair_key)
        updates, moments = optimizer.update(gradient, state.optimizer, state.trained)
        trained = optax.apply_updates(state.trained, updates)
        if method.average_every is not None:
            due = (number + 1) % method.average_every == 0
            trained = eqx.tree_at(
                lambda both: both.body, trained, jax.tree.map(lambda each: _averaged(each, due), trained.body)
            )
        return State(trained, moments, state.losses.at[number].set(loss), number + 1), None

    return jax.lax.scan(step, state, state.step + jnp.arange(steps))[0]


def _averaged(each: Float[Array, "k *rest"], due: Bool[Array, ""]) -> Float[Array, "k *rest"]:
    return jnp.where(due, jnp.mean(each, axis=0, keepdims=True), each)


def _save(path: Path, run: str, state: State) -> None:
    content = io.BytesIO()
    eqx.tree_serialise_leaves(content, state)
    put(path, (run + _checksum(content.getvalue())).encode() + content.getvalue())


def _load(path: Path, run: str, like: State) -> State:
    content, length = path.read_bytes(), len(run)
    if content[:length] != run.encode():
        raise LanguageError(f"{path} is no checkpoint of this run; remove it, or choose another file")
    checksum, leaves = content[length : 2 * length], content[2 * length :]
    if checksum != _checksum(leaves).encode():
        raise LanguageError(f"the checkpoint {path} is damaged; remove it to begin anew")
    loaded: State = eqx.tree_deserialise_leaves(io.BytesIO(leaves), like)
    return loaded


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

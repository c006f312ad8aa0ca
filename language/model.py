"""An encoder with adapters and readouts for many users: what is frozen, and what is trained."""

import operator
from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from colora_theory.language import adapters
from colora_theory.language.bank import Bank
from colora_theory.language.encoder import Layer, mean_pool, normalize
from colora_theory.language.errors import LanguageError
from colora_theory.language.methods import Method
from colora_theory.structures import AbstractStructure, Parameters

# The linear maps of a layer that are adapted: of the attention, and of the feed-forward part.
ADAPTED = ("query", "value", "up", "down")


class Trained(eqx.Module):
    """All that is trained.

    Attributes:
        head: parameters of the readouts.
        body: those of the adapters, by layer and name of the map; empty without adapters.
    """

    head: Parameters
    body: Mapping[str, Parameters]

    @property
    def count(self) -> int:
        """Of numbers."""
        return sum(leaf.size for leaf in jax.tree.leaves(self))


class AdaptedLayer(eqx.Module):
    """A layer of the encoder and what its adapted maps share.

    Attributes:
        frozen: the layer, without what adapters begin with.
        structure: of the adapters of every adapted map.
    """

    frozen: Layer
    structure: AbstractStructure


class Model(eqx.Module):
    """The trainable end of a frozen encoder, for all users at once.

    Attributes:
        layers: the last ones of the encoder; none if nothing in it is adapted, whose inputs are embeddings then.
        centre: the mean of the frozen embeddings, shape (width,), taken off every embedding.
        scale: their root mean squared distance from it, which every embedding is divided by.
        head: the structure of the readouts, of shape (k, 1, width + 1); the last column meets a constant.
    """

    layers: tuple[AdaptedLayer, ...]
    centre: Float[Array, " width"]
    scale: Float[Array, ""]
    head: AbstractStructure

    def logits(
        self,
        trained: Trained,
        hidden: Float[Array, "k words tokens width"],
        mask: Bool[Array, "k words tokens"],
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "k words"]:
        """The log-odds, for each user, that a word is of its task.

        Args:
            trained: the parameters.
            hidden: of the words, below the first of `layers`.
            mask: which of their tokens are there.
            key: of random pairings, in training.
        """
        for number, layer in enumerate(self.layers):
            added = {}
            for place, name in enumerate(ADAPTED):
                own = None if key is None else jax.random.fold_in(key, number * len(ADAPTED) + place)
                found = adapters.factors(layer.structure, trained.body[place_of(number, name)], own)
                added[name] = eqx.Partial(adapters.apply, found)
            hidden = layer.frozen(hidden, mask, added)
        inputs = features(mean_pool(hidden, mask), self.centre, self.scale)
        return adapters.apply(adapters.factors(self.head, trained.head), inputs)[..., 0]


def place_of(layer: int, name: str) -> str:
    """The name of an adapted map among the parameters."""
    return f"{layer}/{name}"


def features(
    pooled: Float[Array, "*batch width"], centre: Float[Array, " width"], scale: Float[Array, ""]
) -> Float[Array, "*batch width+1"]:
    """Embeddings of length one, centred and scaled, with a constant behind them."""
    unit = normalize(pooled)
    told = (unit - jnp.broadcast_to(centre, unit.shape)) / scale
    return jnp.concatenate([told, jnp.ones_like(told[..., :1])], axis=-1)


def prepare(
    method: Method, bank: Bank, readouts: Float[Array, "k 1 width+1"], *, key: PRNGKeyArray
) -> tuple[Model, Trained]:
    """The model of a method with its parameters before training.

    Args:
        method: what is shared.
        bank: the words, and the layers that are adapted.
        readouts: of each user, that the shared ones begin near to.
        key: randomness of the start.

    Raises:
        LanguageError: If a structure does not fit the maps, as for a rank above their size.
    """
    users, head = len(readouts), method.head(len(readouts))
    layers: list[AdaptedLayer] = []
    body: dict[str, Parameters] = {}
    try:
        head.check((users, 1, readouts.shape[2]))
        near = head.begin(key, readouts)
        if method.body is not None:
            structure = method.body(users)
            for number, layer in enumerate(bank.layers):
                for name in ADAPTED:
                    weight = getattr(layer, name).weight
                    begun = adapters.begin(structure, jax.random.fold_in(key, len(body)), weight, users)
                    rest = adapters.remainder(structure, begun, weight)
                    layer = eqx.tree_at(operator.attrgetter(f"{name}.weight"), layer, rest)
                    body[place_of(number, name)] = begun
                layers.append(AdaptedLayer(layer, structure))
    except ValueError as error:
        raise LanguageError(f"{method.title}: {error}") from None
    readout: Parameters = {name: jnp.asarray(each, readouts.dtype) for name, each in near.items()}
    return Model(tuple(layers), bank.centre, bank.scale, head), Trained(readout, body)

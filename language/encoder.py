"""A sentence encoder of BERT's kind (Devlin et al. 2019), whose linear maps can be adapted."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import pydantic
from jaxtyping import Array, Bool, Float, Int

from colora_theory.experiments.errors import unknown_name
from colora_theory.language.errors import LanguageError
from colora_theory.linalg import AnyArray, contract

MAPS = ("query", "key", "value", "output", "up", "down")
# What is added to the output of a map, by the map's name, for its input of shape (*batch, tokens, in).
Added = Mapping[str, Callable[[Any], Array]]
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Sizes(pydantic.BaseModel, frozen=True):
    """How large the parts of an encoder are, under the names that BERT's configuration has for them."""

    vocab_size: pydantic.PositiveInt
    max_position_embeddings: pydantic.PositiveInt
    type_vocab_size: pydantic.PositiveInt
    hidden_size: pydantic.PositiveInt
    intermediate_size: pydantic.PositiveInt
    num_attention_heads: pydantic.PositiveInt
    num_hidden_layers: pydantic.PositiveInt
    layer_norm_eps: pydantic.PositiveFloat = 1e-12
    hidden_act: Literal["gelu"] = "gelu"
    position_embedding_type: Literal["absolute"] = "absolute"

    @pydantic.model_validator(mode="after")
    def _heads_share_the_width(self) -> "Sizes":
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(f"{self.num_attention_heads} heads cannot share a width of {self.hidden_size} evenly")
        return self


class Linear(eqx.Module):
    """An affine map of the last axis.

    Attributes:
        weight: shape (out, in).
        bias: shape (out,).
    """

    weight: Float[Array, "out in"]
    bias: Float[Array, " out"]

    def __call__(self, inputs: Float[Array, "*b in"]) -> Float[Array, "*b out"]:
        """The outputs, shape (*batch, out)."""
        outputs = contract("...i,oi->...o", inputs, self.weight)
        return outputs + jnp.broadcast_to(self.bias, outputs.shape)


class LayerNorm(eqx.Module):
    """Mean zero and variance one along the last axis, then scaled and shifted.

    Attributes:
        scale: shape (width,).
        shift: shape (width,).
        floor: added to the variance.
    """

    scale: Float[Array, " d"]
    shift: Float[Array, " d"]
    floor: float = eqx.field(static=True)

    def __call__(self, inputs: Float[Array, "*b d"]) -> Float[Array, "*b d"]:
        """The normalized inputs, of the same shape."""
        centred = inputs - jnp.mean(inputs, axis=-1, keepdims=True)
        unit = centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred), axis=-1, keepdims=True) + self.floor)
        return unit * jnp.broadcast_to(self.scale, unit.shape) + jnp.broadcast_to(self.shift, unit.shape)


class Embeddings(eqx.Module):
    """From tokens to vectors: the sum of those of token, place and segment, normalized.

    Attributes:
        tokens: one row for each entry of the vocabulary, shape (vocabulary, width).
        places: shape (most_tokens, width).
        segment: the vector of single sentences, shape (width,).
        norm: what the sum passes.
    """

    tokens: Float[Array, "vocabulary d"]
    places: Float[Array, "most d"]
    segment: Float[Array, " d"]
    norm: LayerNorm

    def __call__(self, ids: Int[AnyArray, "*b t"]) -> Float[Array, "*b t d"]:
        """The vectors, shape (*batch, tokens, width).

        Raises:
            LanguageError: If there are more tokens than places.
        """
        count, most = ids.shape[-1], len(self.places)
        if count > most:
            raise LanguageError(f"{count} tokens in a sentence; the encoder has places for {most}")
        vectors = self.tokens[ids]
        return self.norm(vectors + jnp.broadcast_to(self.places[:count] + self.segment[None], vectors.shape))


class Layer(eqx.Module):
    """Self-attention and a network of one hidden layer, each added to its input and normalized.

    Attributes:
        query: of what each token attends to, (width, width).
        key: of what it is attended for, (width, width).
        value: of what it then gives, (width, width).
        output: of what was attended to, (width, width).
        up: into the hidden layer, (hidden, width).
        down: out of it, (width, hidden).
        after_attention: norm of the sum of input and attention.
        after_network: norm of the sum of that and of the network's output.
        num_heads: of the attention; they share the width evenly.
    """

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    up: Linear
    down: Linear
    after_attention: LayerNorm
    after_network: LayerNorm
    num_heads: int = eqx.field(static=True)

    def __call__(
        self, hidden: Float[Array, "*b t d"], mask: Bool[AnyArray, "*b t"], added: Added = _NOTHING
    ) -> Float[Array, "*b t d"]:
        """The next hidden states, of the same shape.

        Args:
            hidden: shape (*batch, tokens, width).
            mask: which tokens are there, shape (*batch, tokens); nobody attends to the others.
            added: to the outputs of maps, by their names, as functions of the maps' inputs.

        Raises:
            LanguageError: If something is added to a map that there is not.
        """
        for name in added:
            if name not in MAPS:
                raise LanguageError(unknown_name("map", name, MAPS))

        def apply(name: str, inputs: Array) -> Array:
            outputs = getattr(self, name)(inputs)
            return outputs + added[name](inputs) if name in added else outputs

        seen = self._attend(apply("query", hidden), apply("key", hidden), apply("value", hidden), mask)
        hidden = self.after_attention(hidden + apply("output", seen))
        raised = jax.nn.gelu(apply("up", hidden), approximate=False)
        return self.after_network(hidden + apply("down", raised))

    def _attend(self, query: Array, key: Array, value: Array, mask: Bool[AnyArray, "*b t"]) -> Array:
        """Of every token the mean of all values, weighted by how well its query meets their keys."""
        query, key, value = (each.reshape(*each.shape[:-1], self.num_heads, -1) for each in (query, key, value))
        scores = contract("...qhc,...khc->...hqk", query, key) * query.shape[-1] ** -0.5
        there = jnp.broadcast_to(mask[..., None, None, :], scores.shape)
        shares = jax.nn.softmax(jnp.where(there, scores, jnp.finfo(scores.dtype).min))
        seen = contract("...hqk,...khc->...qhc", shares, value)
        return seen.reshape(*seen.shape[:-2], -1)


class Encoder(eqx.Module):
    """From sentences to unit vectors.

    Attributes:
        embeddings: of tokens.
        layers: the lowest first.
    """

    embeddings: Embeddings
    layers: tuple[Layer, ...]

    def embed_tokens(self, ids: Int[AnyArray, "*b t"]) -> Float[Array, "*b t d"]:
        """What the lowest layer is given, shape (*batch, tokens, width).

        Args:
            ids: numbers of tokens, shape (*batch, tokens).

        Raises:
            LanguageError: If there are more tokens than places.
        """
        return self.embeddings(ids)

    def hidden(
        self, ids: Int[AnyArray, "*b t"], mask: Bool[AnyArray, "*b t"], stop: int | None = None
    ) -> Float[Array, "*b t d"]:
        """The hidden states above the first `stop` layers, or above all; shape (*batch, tokens, width).

        Where only higher layers are adapted, these are computed once, and the rest by `finish`.

        Args:
            ids: numbers of tokens, shape (*batch, tokens).
            mask: which tokens are there, shape (*batch, tokens).
            stop: number of layers.

        Raises:
            LanguageError: If there are more tokens than places, or fewer layers than `stop`.
        """
        hidden = self.embed_tokens(ids)
        for layer in self.layers[: self._checked(len(self.layers) if stop is None else stop)]:
            hidden = layer(hidden, mask)
        return hidden

    def finish(
        self,
        hidden: Float[Array, "*b t d"],
        mask: Bool[AnyArray, "*b t"],
        begin: int,
        added: Mapping[int, Added] = _NOTHING,
    ) -> Float[Array, "*b t d"]:
        """The hidden states above all layers, from those above the first `begin`; the same shape.

        Args:
            hidden: shape (*batch, tokens, width).
            mask: which tokens are there, shape (*batch, tokens).
            begin: number of layers passed.
            added: what is added in which layer, the lowest being number 0; see `Layer`.

        Raises:
            LanguageError: If there are fewer layers than `begin`, or something is added where nothing is computed.
        """
        rest = range(self._checked(begin), len(self.layers))
        if elsewhere := added.keys() - set(rest):
            raise LanguageError(f"adapters of layer {min(elsewhere)}, but layers {rest.start} to {rest.stop - 1} run")
        for number in rest:
            hidden = self.layers[number](hidden, mask, added.get(number, _NOTHING))
        return hidden

    def __call__(self, ids: Int[AnyArray, "*b t"], mask: Bool[AnyArray, "*b t"]) -> Float[Array, "*b d"]:
        """Sentence embeddings of length one, shape (*batch, width): those of sentence-transformers' all-MiniLM-L6-v2.

        Args:
            ids: numbers of tokens, shape (*batch, tokens).
            mask: which tokens are there, shape (*batch, tokens).

        Raises:
            LanguageError: If there are more tokens than places.
        """
        return normalize(mean_pool(self.hidden(ids, mask), mask))

    def _checked(self, count: int) -> int:
        if not 0 <= count <= len(self.layers):
            raise LanguageError(f"layer {count} of an encoder with {len(self.layers)} layers")
        return count

    @classmethod
    def build(cls, sizes: Sizes, tensor: Callable[[str, tuple[int, ...]], Array]) -> "Encoder":
        """An encoder of given sizes.

        Args:
            sizes: how large its parts are.
            tensor: gives the array of a name, one of BERT's for its parameters, and of a shape.
        """
        width, inner = sizes.hidden_size, sizes.intermediate_size

        def norm(name: str) -> LayerNorm:
            return LayerNorm(tensor(f"{name}.weight", (width,)), tensor(f"{name}.bias", (width,)), sizes.layer_norm_eps)

        def linear(name: str, rows: int, cols: int) -> Linear:
            return Linear(tensor(f"{name}.weight", (rows, cols)), tensor(f"{name}.bias", (rows,)))

        def layer(name: str) -> Layer:
            return Layer(
                query=linear(f"{name}.attention.self.query", width, width),
                key=linear(f"{name}.attention.self.key", width, width),
                value=linear(f"{name}.attention.self.value", width, width),
                output=linear(f"{name}.attention.output.dense", width, width),
                up=linear(f"{name}.intermediate.dense", inner, width),
                down=linear(f"{name}.output.dense", width, inner),
                after_attention=norm(f"{name}.attention.output.LayerNorm"),
                after_network=norm(f"{name}.output.LayerNorm"),
                num_heads=sizes.num_attention_heads,
            )

        embeddings = Embeddings(
            tokens=tensor("embeddings.word_embeddings.weight", (sizes.vocab_size, width)),
            places=tensor("embeddings.position_embeddings.weight", (sizes.max_position_embeddings, width)),
            segment=tensor("embeddings.token_type_embeddings.weight", (sizes.type_vocab_size, width))[0],
            norm=norm("embeddings.LayerNorm"),
        )
        return cls(embeddings, tuple(layer(f"encoder.layer.{number}") for number in range(sizes.num_hidden_layers)))


def mean_pool(hidden: Float[AnyArray, "*b t d"], mask: Bool[AnyArray, "*b t"]) -> Float[Array, "*b d"]:
    """The mean over the tokens that are there, shape (*batch, width); zero where there are none."""
    there = jnp.asarray(mask, hidden.dtype)
    total = contract("...t,...td->...d", there, hidden)
    return total / jnp.maximum(jnp.sum(there, axis=-1, keepdims=True), 1)


def normalize(vectors: Float[AnyArray, "*b d"]) -> Float[Array, "*b d"]:
    """The vectors, shape (*batch, width), scaled to length one."""
    return vectors / jnp.linalg.norm(vectors, axis=-1, keepdims=True)

"""Words as the frozen layers leave them: computed once, for every user and every step."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from colora_theory.language.encoder import Encoder, Layer, mean_pool, normalize
from colora_theory.language.errors import LanguageError
from colora_theory.language.tasks import Vocabulary
from colora_theory.language.tokens import Tokens

# The sentence that carries a word.
CARRIER = "The word is {}"
# Of a sentence, its marks of beginning and end included; words of more pieces are left out.
MOST_TOKENS = 7
_BATCH = 512


class Bank(eqx.Module):
    """The words of a vocabulary below the layers that are adapted.

    Attributes:
        vocabulary: the words and their frozen embeddings.
        hidden: below the adapted layers, shape (num_words, tokens, width).
        mask: which tokens are there, shape (num_words, tokens).
        layers: the adapted layers, the last of the encoder.
        centre: mean of the frozen embeddings, shape (width,).
        scale: their root mean squared distance from it.
    """

    vocabulary: Vocabulary = eqx.field(static=True)
    hidden: Float[Array, "words tokens width"]
    mask: Bool[Array, "words tokens"]
    layers: tuple[Layer, ...]
    centre: Float[Array, " width"]
    scale: Float[Array, ""]

    def inputs(self, frozen: bool) -> tuple[Float[Array, "words tokens width"], Bool[Array, "words tokens"]]:
        """Below the adapted layers; if those are frozen, too, the embeddings themselves, as a single token each."""
        if not frozen:
            return self.hidden, self.mask
        told = jnp.asarray(self.vocabulary.embeddings)[:, None]
        return told, jnp.ones(told.shape[:2], bool)


def make_bank(encoder: Encoder, tokens: Tokens, words: Sequence[str], num_adapted: int = 1) -> Bank:
    """Run the frozen layers over every word that is short enough.

    Args:
        encoder: the pre-trained model.
        tokens: its tokenizer.
        words: each in the carrier sentence; those of too many pieces are left out.
        num_adapted: how many of the last layers are not frozen.

    Raises:
        LanguageError: If there are not so many layers, or no word is left.
    """
    if not 1 <= num_adapted <= len(encoder.layers):
        raise LanguageError(f"{num_adapted} adapted layers asked for, the encoder has {len(encoder.layers)}")
    ids, mask = tokens([CARRIER.format(word) for word in words])
    short = np.sum(mask, axis=1) <= MOST_TOKENS
    if not short.any():
        raise LanguageError(f"none of {len(words)} words is left in {MOST_TOKENS} tokens")
    ids, mask = ids[short, :MOST_TOKENS], mask[short, :MOST_TOKENS]
    frozen = len(encoder.layers) - num_adapted
    hidden, embeddings = [], []
    for begin in range(0, len(ids), _BATCH):
        some = slice(begin, begin + _BATCH)
        below, pooled = _run(encoder, jnp.asarray(ids[some]), jnp.asarray(mask[some]), frozen)
        hidden.append(below)
        embeddings.append(np.asarray(pooled))
    embedded = np.concatenate(embeddings)
    centre = np.mean(embedded, axis=0)
    return Bank(
        Vocabulary(tuple(np.asarray(words)[short].tolist()), embedded),
        jnp.concatenate(hidden),
        jnp.asarray(mask),
        tuple(encoder.layers[frozen:]),
        jnp.asarray(centre),
        jnp.asarray(np.sqrt(np.mean(np.sum((embedded - centre) ** 2, axis=1)))),
    )


@eqx.filter_jit
def _run(
    encoder: Encoder, ids: jax.Array, mask: jax.Array, frozen: int
) -> tuple[Float[Array, "words tokens width"], Float[Array, "words width"]]:
    below = encoder.hidden(ids, mask, frozen)
    return below, normalize(mean_pool(encoder.finish(below, mask, frozen), mask))

import operator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

from colora_theory.language.encoder import MAPS, mean_pool, normalize
from colora_theory.language.errors import LanguageError
from tests.language.tiny import SIZES, TENSORS, tiny_encoder

EPS = float(jnp.finfo(jnp.float32).eps)
USERS, SENTENCES, TOKENS, WIDTH = 2, 3, 5, SIZES.hidden_size


@pytest.fixture(scope="module")
def ids():
    return jax.random.randint(jax.random.key(1), (USERS, SENTENCES, TOKENS), 0, SIZES.vocab_size, jnp.int32)


@pytest.fixture(scope="module")
def mask():
    lengths = jnp.array([[5, 3, 4], [1, 5, 2]])
    return jnp.arange(TOKENS)[None, None] < lengths[..., None]


@pytest.fixture(scope="module")
def exact():
    """In float64, where rounding hides nothing."""
    return tiny_encoder(jnp.float64)


@pytest.fixture(scope="module")
def embed(encoder):
    return eqx.filter_jit(encoder)


def close(found, expected, in_eps=100):
    """Equal up to rounding in float32, for numbers of order one."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=in_eps * EPS)


def by_hand(ids, mask):
    """The embedding of one sentence in numpy, head by head and token by token, from the tensors as BERT names them."""
    tensors = {name: values.astype(np.float64) for name, values in TENSORS.items()}

    def norm(name, x):
        deviation = np.sqrt(np.var(x, axis=-1, keepdims=True) + SIZES.layer_norm_eps)
        return (x - np.mean(x, axis=-1, keepdims=True)) / deviation * tensors[f"{name}.weight"] + tensors[
            f"{name}.bias"
        ]

    def linear(name, x):
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    words, places, segments = (
        tensors[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")
    )
    hidden = norm("embeddings.LayerNorm", words[ids] + places[: len(ids)] + segments[0])
    for layer in (f"encoder.layer.{number}" for number in range(SIZES.num_hidden_layers)):
        query, key, value = (linear(f"{layer}.attention.self.{kind}", hidden) for kind in ("query", "key", "value"))
        seen = np.zeros_like(hidden)
        for head in np.split(np.arange(WIDTH), SIZES.num_attention_heads):
            for token in range(len(hidden)):
                scores = np.exp(key[mask][:, head] @ query[token, head] / np.sqrt(len(head)))
                seen[token, head] = scores / scores.sum() @ value[mask][:, head]
        hidden = norm(f"{layer}.attention.output.LayerNorm", hidden + linear(f"{layer}.attention.output.dense", seen))
        raised = linear(f"{layer}.intermediate.dense", hidden)
        shrunk = linear(f"{layer}.output.dense", raised * special.ndtr(raised))
        hidden = norm(f"{layer}.output.LayerNorm", hidden + shrunk)
    mean = hidden[mask].mean(axis=0)
    return mean / np.linalg.norm(mean)


def test_an_encoder_is_what_is_written_out_by_hand(exact, ids, mask):
    found, ids, mask = map(np.asarray, (exact(ids, mask), ids, mask))
    for place in np.ndindex(USERS, SENTENCES):
        np.testing.assert_allclose(found[place], by_hand(ids[place], mask[place]), rtol=0, atol=1e-13)


def test_padding_changes_nothing(embed, ids, mask):
    longer = ((0, 0), (0, 0), (0, 3))
    padded = embed(jnp.pad(ids, longer, constant_values=7), jnp.pad(mask, longer))
    close(padded, embed(ids, mask))


def test_what_stands_at_masked_places_changes_nothing(embed, ids, mask):
    np.testing.assert_array_equal(embed(jnp.where(mask, ids, 0), mask), embed(jnp.where(mask, ids, 9), mask))


def test_sentences_do_not_see_each_other(embed, ids, mask):
    turned = np.array([2, 0, 1])
    close(embed(ids[:, turned], mask[:, turned]), embed(ids, mask)[:, turned])


def test_embeddings_have_length_one_and_the_dtype_of_the_weights(embed, ids, mask):
    found = embed(ids, mask)
    assert found.dtype == jnp.float32
    close(jnp.linalg.norm(found, axis=-1), 1)


def test_what_is_added_to_a_map_is_a_change_of_its_weight(exact, mask):
    """Another change for each user and each map."""
    hidden = jax.random.normal(jax.random.key(2), (USERS, SENTENCES, TOKENS, WIDTH))
    layer = exact.layers[0]
    changes = {
        name: jax.random.normal(jax.random.key(place), (USERS, *getattr(layer, name).weight.shape)) / 4
        for place, name in enumerate(MAPS)
    }
    added = {
        name: lambda inputs, change=change: jnp.einsum("kstb,kab->ksta", inputs, change)
        for name, change in changes.items()
    }
    found = layer(hidden, mask, added)
    for user in range(USERS):
        own = layer
        for name, change in changes.items():
            weight = getattr(layer, name).weight + change[user]
            own = eqx.tree_at(operator.attrgetter(f"{name}.weight"), own, weight)
        np.testing.assert_allclose(found[user], own(hidden[user], mask[user]), rtol=0, atol=1e-13)


def test_lower_layers_are_computed_once_and_the_rest_later(exact, ids, mask):
    added = {1: {"value": lambda inputs: jnp.tanh(inputs)}}
    whole = exact.finish(exact.embed_tokens(ids), mask, 0)
    changed = exact.finish(exact.embed_tokens(ids), mask, 0, added)
    np.testing.assert_array_equal(exact.hidden(ids, mask), whole)
    np.testing.assert_array_equal(exact.hidden(ids, mask, stop=0), exact.embed_tokens(ids))
    np.testing.assert_array_equal(exact.finish(whole, mask, 2), whole)
    lower = exact.hidden(ids, mask, stop=1)
    np.testing.assert_array_equal(exact.finish(lower, mask, 1), whole)
    np.testing.assert_array_equal(exact.finish(lower, mask, 1, added), changed)
    assert jnp.max(jnp.abs(changed - whole)) > 0.1


def test_mean_pool_counts_what_is_there():
    hidden = jnp.arange(12.0).reshape(2, 3, 2)
    mask = jnp.array([[True, False, True], [False, False, False]])
    np.testing.assert_array_equal(mean_pool(hidden, mask), [[2.0, 3.0], [0.0, 0.0]])


def test_normalize_keeps_directions():
    np.testing.assert_allclose(normalize(jnp.array([[3.0, 4.0], [0.0, -2.0]])), [[0.6, 0.8], [0.0, -1.0]], rtol=1e-15)


def test_mistakes_are_named(encoder, ids, mask):
    hidden = encoder.embed_tokens(ids)
    with pytest.raises(LanguageError, match="unknown map 'qeury'; did you mean 'query'"):
        encoder.layers[0](hidden, mask, {"qeury": jnp.tanh})
    with pytest.raises(LanguageError, match="adapters of layer 0, but layers 1 to 1 run"):
        encoder.finish(hidden, mask, 1, {0: {"value": jnp.tanh}})
    with pytest.raises(LanguageError, match="layer 3 of an encoder with 2 layers"):
        encoder.hidden(ids, mask, stop=3)
    with pytest.raises(LanguageError, match="10 tokens in a sentence; the encoder has places for 9"):
        encoder.embed_tokens(jnp.zeros((1, 10), jnp.int32))

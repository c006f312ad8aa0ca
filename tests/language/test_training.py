import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colora_theory.language import training
from colora_theory.language.bank import make_bank
from colora_theory.language.errors import LanguageError
from colora_theory.language.methods import METHODS
from colora_theory.language.model import features, prepare
from colora_theory.language.tasks import Labelled
from colora_theory.language.tokens import Tokens
from colora_theory.language.training import Recipe, fine_tune, prototypes
from colora_theory.solution import Status
from colora_theory.structures import Alone, SharedBoth
from tests.language.tiny import WORDS, tiny_encoder, tokenizer_rules

USERS = 4
RECIPE = Recipe(num_steps=6, batch=4, segment=2)
KEY = jax.random.key(0)
# Of ranks that fit the tiny encoder; large steps, to be seen after few.
COLORA = dataclasses.replace(
    METHODS["colora"], head=lambda users: SharedBoth((1, 2)), body=lambda users: SharedBoth((2, 2)), learning_rate=0.02
)
ALONE = dataclasses.replace(METHODS["alone"], body=lambda users: Alone(2), learning_rate=0.02)
HEADS = METHODS["heads"]


@pytest.fixture(autouse=True)
def loose_promotion():
    """Adam of optax raises a decimal number to the power of an integer, which strict promotion refuses."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.fixture(scope="module")
def bank():
    """All sentences of one word or two of the tiny vocabulary."""
    words = [word for word in WORDS if word.isalpha()]
    sentences = words + [" ".join(pair) for pair in itertools.combinations(words, 2)]
    return make_bank(tiny_encoder(), Tokens(tokenizer_rules().encode(), 9), sentences, num_adapted=1)


@pytest.fixture(scope="module")
def samples(bank):
    rng = np.random.default_rng(0)
    words = np.stack([rng.permutation(len(bank.vocabulary.words))[:6] for _ in range(USERS)])
    return Labelled(words, np.tile([True, False], (USERS, 3)))


def test_the_bank_has_what_the_encoder_gives(bank):
    encoder, tokens = tiny_encoder(), Tokens(tokenizer_rules().encode(), 9)
    word = bank.vocabulary.words[3]
    expected = encoder(*tokens([f"The word is {word}"]))[0]
    np.testing.assert_allclose(bank.vocabulary.embeddings[3], expected, atol=1e-5)


def test_words_of_too_many_pieces_are_left_out(bank):
    assert all(np.asarray(bank.mask).sum(axis=1) <= 7)
    with pytest.raises(LanguageError, match="none of 1 words is left in 7 tokens"):
        make_bank(tiny_encoder(), Tokens(tokenizer_rules().encode(), 9), ["the cat sat on a mat"])


@pytest.mark.parametrize("layers", [0, 3])
def test_layers_that_there_are_not(layers):
    with pytest.raises(LanguageError, match=f"{layers} adapted layers asked for, the encoder has 2"):
        make_bank(tiny_encoder(), Tokens(tokenizer_rules().encode(), 9), ["cat"], layers)


def test_prototypes_are_one_and_minus_one_at_the_means(bank, samples):
    readouts = prototypes(bank, samples)[:, 0]
    told = features(jnp.asarray(bank.vocabulary.embeddings), bank.centre, bank.scale)[samples.words]
    answers = np.einsum("knw,kw->kn", told, readouts)
    for sign, there in ((1, samples.labels), (-1, ~samples.labels)):
        means = [own[at].mean() for own, at in zip(answers, there, strict=True)]
        np.testing.assert_allclose(means, sign, atol=1e-4)


@pytest.mark.parametrize("method", [COLORA, ALONE], ids=["colora", "alone"])
def test_before_training_adapters_change_nothing(bank, samples, method):
    readouts = prototypes(bank, samples)
    adapted, start = prepare(method, bank, readouts, key=KEY)
    plain, same = prepare(dataclasses.replace(method, body=None), bank, readouts, key=KEY)
    words = samples.words
    np.testing.assert_allclose(
        adapted.logits(start, bank.hidden[words], bank.mask[words]),
        plain.logits(same, *(each[words] for each in bank.inputs(True))),
        atol=1e-4,
    )


def test_training_lowers_the_loss(bank, samples):
    found = fine_tune(COLORA, bank, samples, RECIPE, key=KEY)
    assert found.losses[-1] < found.losses[0]
    assert found.status == Status.MAX_STEPS
    assert found.trained.body["0/query"]["cores"].shape == (USERS, 2, 2)


def test_alone_all_users_at_once_are_each_by_itself(bank, samples):
    """Nothing shared, and all words in every step: the batch axis changes nothing."""
    whole = dataclasses.replace(RECIPE, batch=6)
    together = fine_tune(HEADS, bank, samples, whole, key=KEY)
    for user in range(USERS):
        own = Labelled(samples.words[user : user + 1], samples.labels[user : user + 1])
        found = fine_tune(HEADS, bank, own, whole, key=KEY)
        one, all_of_them = (Alone(1).compose(each.trained.head) for each in (found, together))
        np.testing.assert_allclose(one[0], all_of_them[user], atol=2e-3)


def test_averaged_users_have_one_adapter_and_their_own_readouts(bank, samples):
    method = dataclasses.replace(ALONE, average_every=2)
    found = fine_tune(method, bank, samples, RECIPE, key=KEY).trained
    left = found.body["0/value"]["left"]
    np.testing.assert_allclose(left, np.broadcast_to(left[:1], left.shape), atol=1e-7)
    assert float(jnp.ptp(found.head["right"], axis=0).max()) > 1e-3
    apart = fine_tune(ALONE, bank, samples, RECIPE, key=KEY).trained.body["0/value"]["left"]
    assert float(jnp.ptp(apart, axis=0).max()) > 1e-4


def test_a_killed_run_goes_on_to_the_same_end(bank, samples, tmp_path, monkeypatch):
    whole = fine_tune(COLORA, bank, samples, RECIPE, key=KEY)
    path, segment = tmp_path / "checkpoint", training.advance

    def killed(model, state, *rest):
        if int(state.step) == 4:
            raise KeyboardInterrupt
        return segment(model, state, *rest)

    monkeypatch.setattr(training, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        fine_tune(COLORA, bank, samples, RECIPE, key=KEY, checkpoint=path)
    begun = []
    monkeypatch.setattr(
        training, "advance", lambda model, state, *rest: begun.append(int(state.step)) or segment(model, state, *rest)
    )
    resumed = fine_tune(COLORA, bank, samples, RECIPE, key=KEY, checkpoint=path)
    assert begun == [4]
    for one, other in zip(jax.tree.leaves(resumed), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_damaged_checkpoint_and_one_of_another_run_are_refused(bank, samples, tmp_path):
    path = tmp_path / "checkpoint"
    fine_tune(HEADS, bank, samples, RECIPE, key=KEY, checkpoint=path)
    with pytest.raises(LanguageError, match="no checkpoint of this run"):
        fine_tune(HEADS, bank, samples, RECIPE, key=jax.random.key(1), checkpoint=path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(LanguageError, match="damaged"):
        fine_tune(HEADS, bank, samples, RECIPE, key=KEY, checkpoint=path)


def test_steps_that_are_too_long_are_told(bank, samples):
    found = fine_tune(dataclasses.replace(COLORA, learning_rate=1e30), bank, samples, RECIPE, key=KEY)
    assert found.status == Status.NONFINITE


def test_a_shared_space_that_the_users_do_not_span_is_named_with_the_method(bank, samples):
    few = Labelled(samples.words[:2], samples.labels[:2])
    with pytest.raises(
        LanguageError, match=r"no adapter, shared heads: rank \(1, 4\) is more than 2 core\(s\) can span"
    ):
        fine_tune(METHODS["heads_together"], bank, few, RECIPE, key=KEY)


def test_a_rank_above_the_maps_size_is_named_with_the_method(bank, samples):
    wide = dataclasses.replace(ALONE, body=lambda users: Alone(9))
    with pytest.raises(LanguageError, match=r"each alone: rank 9 is not in 1 .. min\(num_rows, num_cols\) = 8"):
        fine_tune(wide, bank, samples, RECIPE, key=KEY)

import numpy as np
import pytest

from colora_theory.language.errors import LanguageError
from colora_theory.language.tokens import Tokens
from tests.language.tiny import WORDS, tokenizer_rules

PAD, UNKNOWN, BEGIN, END = range(4)


@pytest.fixture(scope="module")
def tokens():
    return Tokens(tokenizer_rules().encode(), most_tokens=9)


def words(ids):
    return [WORDS[number] for number in ids]


def test_words_and_pieces_between_marks_padded_to_the_longest(tokens):
    ids, mask = tokens(["The cat sat.", "mats", ""])
    assert (ids.dtype, mask.dtype) == (np.int32, bool)
    assert words(ids[0]) == ["[CLS]", "the", "cat", "sat", "[UNK]", "[SEP]"]
    assert words(ids[1]) == ["[CLS]", "mat", "##s", "[SEP]", "[PAD]", "[PAD]"]
    np.testing.assert_array_equal(mask.sum(axis=1), [6, 4, 2])
    np.testing.assert_array_equal(ids[~mask], PAD)


def test_rows_of_a_given_length(tokens):
    ids, mask = tokens(["the cat sat on the mat", "cat"], length=5)
    assert words(ids[0]) == ["[CLS]", "the", "cat", "sat", "[SEP]"]
    np.testing.assert_array_equal(mask.sum(axis=1), [5, 3])
    # The next call knows nothing of it.
    assert tokens(["cat"])[0].shape == (1, 3)
    assert tokens(["cat"], length=30)[0].shape == (1, 30)


def test_long_sentences_are_cut_before_the_last_mark(tokens):
    ids, mask = tokens(["the cat " * 50, "cat"], length=12)
    assert ids[0, 8] == END
    np.testing.assert_array_equal(mask.sum(axis=1), [9, 3])
    assert Tokens(tokenizer_rules().encode(), most_tokens=512)(["cat " * 300])[0].shape == (1, 256)


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        ([], "at least one sentence is needed"),
        ("the cat", "at least one sentence is needed, not 'the cat'"),
        (["cat", 3], "sentence 1 is 3, which is no text"),
        ([("the", "cat")], "sentence 0 is "),
        (["\ud800"], "sentence 0 is "),
    ],
)
def test_what_is_no_sentence_is_named(tokens, sentences, message):
    with pytest.raises(LanguageError, match=message):
        tokens(sentences)


@pytest.mark.parametrize("length", [1, 0, -3])
def test_rows_too_short_for_the_marks(tokens, length):
    with pytest.raises(LanguageError, match=f"rows of length {length} "):
        tokens(["cat"], length=length)


def test_damaged_rules():
    with pytest.raises(LanguageError, match=r"tokenizer\.json is damaged"):
        Tokens(tokenizer_rules().encode()[:-40])

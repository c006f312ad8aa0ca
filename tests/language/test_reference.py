"""The encoder beside that of transformers, on the same weights: `make reference`."""

import equinox as eqx
import numpy as np
import pytest

from colora_theory.language.weights import installed_folder

torch = pytest.importorskip("torch", reason="torch is not installed (extra [reference])")
transformers = pytest.importorskip("transformers", reason="transformers is not installed (extra [reference])")

ODD = [
    "",
    "naïve café, 3.14% of £2!",
    "don't e-mail me@home.org",
    "日本語 and ελληνικά",
    "supercalifragilisticexpialidocious",
    "tab\tand\nline",
]


@pytest.fixture(scope="module")
def sentences(pretrained):
    """A hundred, of up to three hundred words."""
    rng = np.random.default_rng(0)
    words = [word for word in (installed_folder() / "vocab.txt").read_text().split() if word.isalpha()]
    lengths = np.geomspace(1, 300, 100 - len(ODD)).astype(int)
    return ODD + [" ".join(rng.choice(words, length)) for length in lengths]


@pytest.fixture(scope="module")
def given(sentences):
    """Tokens of the reference."""
    rules = transformers.AutoTokenizer.from_pretrained(installed_folder())
    return rules(sentences, padding=True, truncation=True, max_length=256, return_tensors="pt")


def test_tokens_are_those_of_transformers(pretrained, sentences, given):
    ids, mask = pretrained[1](sentences)
    np.testing.assert_array_equal(ids, given["input_ids"].numpy())
    np.testing.assert_array_equal(mask, given["attention_mask"].numpy())


def test_embeddings_are_those_of_transformers(pretrained, sentences, given):
    encoder, tokens = pretrained
    with torch.no_grad():
        hidden = transformers.BertModel.from_pretrained(installed_folder()).eval()(**given).last_hidden_state
    there = given["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((hidden * there).sum(1) / there.sum(1)).numpy()
    found = np.asarray(eqx.filter_jit(encoder)(*tokens(sentences)))
    print(f"largest difference {np.abs(found - expected).max():.1e}")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)

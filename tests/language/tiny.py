"""A small encoder with random weights and a vocabulary of few words, and the folder that it is stored in."""

import jax.numpy as jnp
import numpy as np
import safetensors.numpy
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from colora_theory.language.encoder import Encoder, Sizes

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sat", "on", "a", "mat", "and", "bank", "##s"]
SIZES = Sizes(
    vocab_size=len(WORDS),
    max_position_embeddings=9,
    type_vocab_size=2,
    hidden_size=8,
    intermediate_size=12,
    num_attention_heads=2,
    num_hidden_layers=2,
    layer_norm_eps=1e-3,
)


def drawn_tensors():
    """The encoder's parameters by their names: standard normal, those of matrices over the root of their width."""
    rng, tensors = np.random.default_rng(0), {}

    def draw(name, shape):
        scale = shape[-1] ** -0.5 if len(shape) == 2 else 1.0
        tensors[name] = (scale * rng.standard_normal(shape)).astype(np.float32)
        return jnp.asarray(tensors[name])

    Encoder.build(SIZES, draw)
    return tensors


TENSORS = drawn_tensors()


def tiny_encoder(dtype=jnp.float32):
    return Encoder.build(SIZES, lambda name, shape: jnp.asarray(TENSORS[name], dtype))


def tokenizer_rules(words=WORDS):
    """BERT's, as the content of tokenizer.json."""
    vocabulary = {word: number for number, word in enumerate(words)}
    rules = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    rules.normalizer = normalizers.BertNormalizer()
    rules.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [(mark, vocabulary[mark]) for mark in ("[CLS]", "[SEP]")]
    rules.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    return rules.to_str()


def write_folder(folder, tensors=TENSORS, words=WORDS, sizes=SIZES):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(sizes.model_dump_json())
    (folder / "tokenizer.json").write_text(tokenizer_rules(words))
    safetensors.numpy.save_file(tensors, folder / "model.safetensors")
    return folder

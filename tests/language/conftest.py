import importlib.util

import pytest

from colora_theory.language.weights import PACKAGE, load_pretrained
from tests.language.tiny import tiny_encoder


@pytest.fixture(scope="module")
def encoder():
    return tiny_encoder()


@pytest.fixture(scope="session")
def pretrained():
    """The real encoder with its tokenizer, where it is installed."""
    if importlib.util.find_spec(PACKAGE.replace("-", "_")) is None:
        pytest.skip(f"{PACKAGE} is not installed")
    return load_pretrained()

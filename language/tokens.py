"""Sentences as numbers of tokens."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int32

from colora_theory.experiments.errors import shown
from colora_theory.language.errors import LanguageError, missing

# Of a sentence with its two marks, as sentence-transformers cuts them for all-MiniLM-L6-v2.
MOST_TOKENS = 256
# One before it, one after it.
_MARKS = 2
# Of pairs that stand for one character: alone they are none.
_HALVES = re.compile("[\ud800-\udfff]")


class Tokens:
    """Cuts sentences into the tokens of a vocabulary.

    Args:
        content: of a file tokenizer.json.
        most_tokens: for which the encoder has places.

    Raises:
        LanguageError: If the package `tokenizers` is not installed, or the file is damaged.
    """

    def __init__(self, content: bytes, most_tokens: int = MOST_TOKENS) -> None:
        try:
            import tokenizers
        except ImportError:
            raise missing("tokenizers") from None
        try:
            self._rules = tokenizers.Tokenizer.from_buffer(content)
        except Exception as error:  # the package knows nothing narrower
            raise LanguageError(f"tokenizer.json is damaged: {error}") from None
        self.most_tokens = min(most_tokens, MOST_TOKENS)

    @property
    def vocabulary_size(self) -> int:
        """How many different tokens there are."""
        return self._rules.get_vocab_size()

    def __call__(
        self, sentences: Sequence[Any], length: int | None = None
    ) -> tuple[Int32[np.ndarray, "sentences t"], Bool[np.ndarray, "sentences t"]]:
        """Numbers of tokens, and which of them are there; shape (num_sentences, length) each.

        Args:
            sentences: strings, at least one.
            length: of the rows; unless given that of the longest sentence. Longer sentences are cut, and all beyond
                `most_tokens`.

        Raises:
            LanguageError: If there is no sentence, something that is none, or no place for any.
        """
        if isinstance(sentences, str) or not len(sentences):
            raise LanguageError(f"a list of at least one sentence is needed, not {shown(sentences)}")
        for place, sentence in enumerate(sentences):
            if not isinstance(sentence, str) or _HALVES.search(sentence):
                raise LanguageError(f"sentence {place} is {shown(sentence)}, which is no text")
        if length is not None and length < _MARKS:
            raise LanguageError(f"rows of length {length} have no place for the {_MARKS} marks of a sentence")
        self._rules.enable_truncation(min(length or self.most_tokens, self.most_tokens))
        self._rules.enable_padding(length=length)
        found = self._rules.encode_batch(list(sentences))
        return (
            np.array([each.ids for each in found], np.int32),
            np.array([each.attention_mask for each in found], bool),
        )

"""Words and what is said of them: the lexica of installed packages, as tasks of a user."""

import dataclasses
import functools
import itertools
from collections.abc import Mapping

from colora_theory.language.errors import LanguageError, missing

# Of mean ratings, a task each.
THRESHOLDS = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)


@dataclasses.dataclass(frozen=True)
class Task:
    """One question about words.

    Attributes:
        name: of the task.
        members: words of which the answer is yes.
        others: words of which it is no.

    Raises:
        LanguageError: If there is no word of one kind, or one of both.
    """

    name: str
    members: frozenset[str]
    others: frozenset[str]

    def __post_init__(self) -> None:
        for kind, words in (("positive", self.members), ("negative", self.others)):
            if not words:
                raise LanguageError(f"task {self.name!r} has no {kind} words")
        both = self.members & self.others
        if both:
            raise LanguageError(f"task {self.name!r} has {len(both)} words that are positive and negative: {min(both)}")


@functools.cache
def categories() -> Mapping[str, Task]:
    """Is this word of the category? One task for each lexical category of the package empath (Fast et al. 2016).

    Raises:
        LanguageError: If the package is not installed.
    """
    try:
        import empath
    except ImportError:
        raise missing("empath") from None
    found = {name: frozenset(filter(_is_plain, words)) for name, words in empath.Empath().cats.items()}
    vocabulary = frozenset(itertools.chain.from_iterable(found.values()))
    return {name: Task(name, words, vocabulary - words) for name, words in sorted(found.items()) if words}


@functools.cache
def ratings() -> Mapping[str, Task]:
    """Is this word rated above a threshold? Mean ratings, -4 to 4, of the package vaderSentiment (Hutto et al. 2014).

    Raises:
        LanguageError: If the package is not installed.
    """
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        raise missing("vaderSentiment") from None
    rated = {word: rating for word, rating in SentimentIntensityAnalyzer().lexicon.items() if _is_plain(word)}
    return {
        name: Task(
            name,
            frozenset(w for w, r in rated.items() if r > least),
            frozenset(w for w, r in rated.items() if r < least),
        )
        for least in THRESHOLDS
        for name in [f"rated above {least:g}"]
    }


def _is_plain(word: str) -> bool:
    return word.isascii() and word.isalpha() and word.islower() and len(word) > 2

"""Users who share a language model: groups of tasks, and the labelled words of each."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float

from colora_theory.experiments.seeding import fingerprint
from colora_theory.language.errors import LanguageError
from colora_theory.language.lexica import Task

# Of all words; the others are held out, from every user alike.
TRAINING_SHARE = 0.6


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """Words with their frozen embeddings.

    Attributes:
        words: sorted, each once.
        embeddings: of the words, shape (num_words, width).
    """

    words: tuple[str, ...]
    embeddings: Float[np.ndarray, "words width"]

    def __post_init__(self) -> None:
        if len(self.words) != len(self.embeddings):
            raise LanguageError(f"{len(self.words)} words have {len(self.embeddings)} embeddings")

    def holds(self, words: frozenset[str]) -> Bool[np.ndarray, " words"]:
        """Which words of the vocabulary are among others."""
        return np.array([word in words for word in self.words])

    def in_training(self, seed: int) -> Bool[np.ndarray, " words"]:
        """Which words users may learn from; the others are for tests, of whatever task."""
        return random("split", seed=seed).random(len(self.words)) < TRAINING_SHARE


@dataclasses.dataclass(frozen=True)
class Labelled:
    """Words of all users with their labels, as many for each.

    Attributes:
        words: places in the vocabulary, shape (num_users, num_words).
        labels: whether they are of the user's task.

    Raises:
        LanguageError: If a user lacks words of one kind.
    """

    words: np.ndarray
    labels: Bool[np.ndarray, "users words"]

    def __post_init__(self) -> None:
        for user, labels in enumerate(self.labels):
            for kind, there in (("positive", labels), ("negative", ~labels)):
                if not there.any():
                    raise LanguageError(f"user {user} has no {kind} words among {labels.size}")


def random(role: str, **of: int | str) -> np.random.Generator:
    """A generator that depends on these words alone."""
    return np.random.default_rng(int(fingerprint({"role": role, **of}), 16))


def label(
    vocabulary: Vocabulary, tasks: Sequence[Task], num_samples: int, num_tests: int, seed: int
) -> tuple[Labelled, Labelled]:
    """Words to learn from and words to be judged by, half of each user's of its task.

    A word that one user learns from is in no user's test. Fewer samples of one seed are the first of more.

    Args:
        vocabulary: the words.
        tasks: one for each user.
        num_samples: labelled words of a user to learn from, at least 2.
        num_tests: labelled words of a user to be judged by, at least 2.
        seed: randomness.

    Raises:
        LanguageError: If a task has too few words.
    """
    training = vocabulary.in_training(seed)
    drawn: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"samples": [], "tests": []}
    for task in tasks:
        for role, allowed, count in (("samples", training, num_samples), ("tests", ~training, num_tests)):
            generator = random(role, seed=seed, task=task.name)
            halves = (count - count // 2, count // 2)
            words = [
                _take(generator, np.flatnonzero(allowed & vocabulary.holds(kind)), half, f"{kind_name} {role}", task)
                for kind, kind_name, half in zip(
                    (task.members, task.others), ("positive", "negative"), halves, strict=True
                )
            ]
            # In turns, so that the first words are of both kinds.
            order = np.argsort(np.concatenate([np.arange(half) for half in halves]), kind="stable")
            drawn[role].append((np.concatenate(words)[order], (np.arange(count) < halves[0])[order]))
    samples, tests = (Labelled(*map(np.stack, zip(*each, strict=True))) for each in drawn.values())
    return samples, tests


def _take(generator: np.random.Generator, words: np.ndarray, count: int, what: str, task: Task) -> np.ndarray:
    if not 1 <= count <= len(words):
        raise LanguageError(
            f"{count} {what} asked for of task {task.name!r}, which has {len(words)}; at least 1 is needed"
        )
    return generator.permutation(words)[:count]


def directions(vocabulary: Vocabulary, tasks: Sequence[Task], seed: int) -> Float[np.ndarray, "tasks width"]:
    """Where each task points in the frozen embedding space: its mean less that of the other words, of length one.

    Only words to learn from count, and nothing is trained.
    """
    training = vocabulary.in_training(seed)

    def centre(words: frozenset[str]) -> np.ndarray:
        return np.mean(vocabulary.embeddings[training & vocabulary.holds(words)], axis=0)

    found = np.stack([centre(task.members) - centre(task.others) for task in tasks])
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def similarity(found: Float[np.ndarray, "tasks width"]) -> float:
    """The mean cosine between the directions of two users' tasks; 1 for a single user."""
    users = len(found)
    return 1.0 if users == 1 else float((np.sum(found @ found.T) - np.trace(found @ found.T)) / (users * (users - 1)))


def nearest(found: Float[np.ndarray, "tasks width"], first: int, count: int) -> np.ndarray:
    """A task and those that point most nearly where it does, the nearest first."""
    return np.argsort(-(found @ found[first]), kind="stable")[:count]


def farthest(found: Float[np.ndarray, "tasks width"], first: int, count: int) -> np.ndarray:
    """A task and, one after the other, the one whose largest cosine with those before is smallest."""
    chosen = [first]
    for _ in range(count - 1):
        closest = np.max(found @ found[chosen].T, axis=1)
        closest[chosen] = np.inf
        chosen.append(int(np.argmin(closest)))
    return np.array(chosen)


def alternating(found: Float[np.ndarray, "tasks width"], first: int, count: int) -> np.ndarray:
    """In turns the nearest and the farthest, each once."""
    pairs = zip(nearest(found, first, count), farthest(found, first, count), strict=True)
    return np.array(list(dict.fromkeys(itertools.chain.from_iterable(pairs)))[:count])


GROUPS: Mapping[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "similar": nearest,
    "mixed": alternating,
    "dissimilar": farthest,
}


def choose(
    vocabulary: Vocabulary, catalogue: Mapping[str, Task], group: str, num_users: int, least: int, seed: int
) -> tuple[Task, ...]:
    """Tasks of a group, one for each user, chosen by their directions.

    Fewer users of one seed have the first tasks of more.

    Args:
        vocabulary: the words.
        catalogue: tasks to choose from.
        group: similar, mixed or dissimilar.
        num_users: how many.
        least: positive words that a task must have to learn from, and half as many to be judged by.
        seed: which task is the first.

    Raises:
        LanguageError: If there is no such group, or too few tasks have so many words.
    """
    if group not in GROUPS:
        raise LanguageError(f"group {group!r} is not one of {', '.join(GROUPS)}")
    training = vocabulary.in_training(seed)
    able = [
        task
        for task in catalogue.values()
        if np.sum(training & (own := vocabulary.holds(task.members))) >= least and np.sum(~training & own) >= least // 2
    ]
    if not 1 <= num_users <= len(able):
        raise LanguageError(
            f"{num_users} users asked for, {len(able)} tasks have {least} positive words to learn from and "
            f"{least // 2} to be judged by"
        )
    first = int(random("first", seed=seed).integers(len(able)))
    chosen = GROUPS[group](directions(vocabulary, able, seed), first, num_users)
    return tuple(able[place] for place in chosen)

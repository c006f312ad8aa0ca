"""The experiment: which users, which words, which ways to share; and what is measured."""

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import equinox as eqx
import jax
import numpy as np
import pyarrow as pa
from jaxtyping import Float

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.plan import Plan
from colora_theory.experiments.presets import check_preset
from colora_theory.experiments.provenance import source_hash
from colora_theory.experiments.seeding import fingerprint, keys
from colora_theory.language import bridge
from colora_theory.language.bank import Bank, make_bank
from colora_theory.language.errors import LanguageError
from colora_theory.language.lexica import Task, categories, ratings
from colora_theory.language.methods import METHODS
from colora_theory.language.tasks import GROUPS, Labelled, choose, directions, label, similarity
from colora_theory.language.training import Recipe, Tuned, fine_tune
from colora_theory.language.weights import load_pretrained
from colora_theory.solution import Status

NAME = "language"
# Thresholds of ratings, beside the groups of categories.
GRADED = "graded"
# Held-out words of each user, and the users whose scores are compared across numbers of users.
NUM_TESTS = 40
FIRST_USERS = 4
# The words of a user in the largest table: tasks without so many are left out of all.
MOST_SAMPLES = 80

SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("num_users", pa.int64()),
        ("num_samples", pa.int64()),  # labelled words of one user
        ("seed", pa.int64()),
        ("method", pa.string()),
        ("similarity", pa.float64()),  # mean cosine between the directions of the users' tasks, before training
        ("trained_numbers", pa.int64()),  # of all users together
        ("status_name", pa.string()),
        ("steps", pa.int64()),  # null for linear fits
        ("seconds", pa.float64()),  # compilation included
        ("loss", pa.float64()),  # before the last step; null for linear fits
        ("accuracy", pa.float64()),  # on held-out words, mean over the users
        ("accuracy_first", pa.float64()),  # of the first users, who are there whatever the number of users
        ("squared_error", pa.float64()),  # of linear weights, from those of all words; null for fine-tuning
        ("predicted_error", pa.float64()),  # what theory expects of it; null where it expects none to exist
    ]
)

# Fits to frozen features, and what theory calls them.
LINEAR = {"linear_together": "together", "linear_alone": "alone", "linear_pooled": "pooled"}


@dataclasses.dataclass(frozen=True)
class LanguageDraw:
    """Everything that the words and labels of one cell depend on."""

    group: str
    num_users: int
    num_samples: int
    seed: int


@dataclasses.dataclass(frozen=True)
class LanguageChunk(AbstractChunk):
    """Draws that every one of several methods meets."""

    draws: tuple[LanguageDraw, ...]
    methods: tuple[str, ...]

    @property
    def id(self) -> str:
        """See `AbstractChunk`."""
        return fingerprint(dataclasses.asdict(self) | {"source": source_hash(Path(__file__).parent)})[:32]

    @property
    def num_recipes(self) -> int:
        """See `AbstractChunk`."""
        return len(self.methods)

    @property
    def lane_bytes(self) -> int:
        """See `AbstractChunk`."""
        return 8 * self.draws[0].num_users * self.draws[0].num_samples * (bridge.COMPONENTS + 1)

    def with_draws(self, draws: tuple[LanguageDraw, ...]) -> Self:
        """See `AbstractChunk`."""
        return dataclasses.replace(self, draws=draws)

    def compute(self) -> pa.Table:
        """See `AbstractChunk`."""
        rows = [_row(draw, method) for method in self.methods for draw in self.draws]
        return pa.Table.from_pylist(rows, schema=SCHEMA)


@dataclasses.dataclass(frozen=True)
class Users:
    """The users of one draw.

    Attributes:
        bank: the words.
        tasks: one for each user.
        samples: words to learn from.
        tests: words to be judged by.
    """

    bank: Bank
    tasks: tuple[Task, ...]
    samples: Labelled
    tests: Labelled


@functools.cache
def bank_of(lexicon: str) -> Bank:
    """All words of a lexicon, categories or ratings, below the layers that are adapted; computed once in a process.

    Raises:
        LanguageError: If a package is not installed, or its files are damaged.
    """
    encoder, tokens = load_pretrained()
    words = set(itertools.chain.from_iterable(task.members | task.others for task in _LEXICA[lexicon]().values()))
    return make_bank(encoder, tokens, sorted(words))


_LEXICA = {"categories": categories, "ratings": ratings}


@functools.lru_cache(maxsize=1)
def users_of(draw: LanguageDraw) -> Users:
    """The tasks and words of a draw, which every method meets."""
    if draw.group == GRADED:
        bank, tasks = bank_of("ratings"), tuple(ratings().values())[: draw.num_users]
        if len(tasks) < draw.num_users:
            raise LanguageError(f"{draw.num_users} users asked for, there are {len(tasks)} thresholds of ratings")
    else:
        bank = bank_of("categories")
        tasks = choose(bank.vocabulary, categories(), draw.group, draw.num_users, MOST_SAMPLES // 2, draw.seed)
    return Users(bank, tasks, *label(bank.vocabulary, tasks, draw.num_samples, NUM_TESTS, draw.seed))


def _row(draw: LanguageDraw, method: str) -> dict[str, Any]:
    users = users_of(draw)
    began = time.perf_counter()
    measured = _linear(users, draw, LINEAR[method]) if method in LINEAR else _fine_tuned(users, draw, method)
    told = similarity(directions(users.bank.vocabulary, users.tasks, draw.seed))
    own = {"method": method, "similarity": told, "seconds": time.perf_counter() - began}
    return dataclasses.asdict(draw) | own | measured


def _fine_tuned(users: Users, draw: LanguageDraw, method: str) -> dict[str, Any]:
    (key,) = keys([draw], "start")
    found = fine_tune(METHODS[method], users.bank, users.samples, RECIPE, key=key)
    return _scores(users, score(found, users.bank, users.tests)) | {
        "trained_numbers": found.trained.count,
        "status_name": Status(int(found.status)).name,
        "steps": RECIPE.num_steps,
        "loss": float(found.losses[-1]),
    }


def score(found: Tuned, bank: Bank, tests: Labelled) -> Float[np.ndarray, "k words"]:
    """The log-odds, by what was fine-tuned, that each word is of its user's task."""
    hidden, mask = bank.inputs(not found.model.layers)
    return np.asarray(_logits(found, hidden[tests.words], mask[tests.words]))


@eqx.filter_jit
def _logits(found: Tuned, hidden: jax.Array, mask: jax.Array) -> jax.Array:
    return found.model.logits(found.trained, hidden, mask)


def _linear(users: Users, draw: LanguageDraw, way: str) -> dict[str, Any]:
    problem = bridge.regression(users.bank.vocabulary, users.tasks, draw.seed)
    weights, status = getattr(bridge, way)(*problem.measurements(users.samples))
    inputs, _ = problem.measurements(users.tests)
    predicted = getattr(problem.predict(draw.num_samples), way)
    return _scores(users, np.einsum("knad,kd->kn", inputs, weights)) | {
        "trained_numbers": bridge.trained_numbers(way, *weights.shape),
        "status_name": status.name,
        "squared_error": float(np.mean(np.sum((weights - problem.weights) ** 2, axis=1))),
        "predicted_error": predicted if np.isfinite(predicted) else None,
    }


def _scores(users: Users, logits: Float[np.ndarray, "k words"]) -> dict[str, float]:
    right = np.mean((logits > 0) == users.tests.labels, axis=1)
    return {"accuracy": float(np.mean(right)), "accuracy_first": float(np.mean(right[:FIRST_USERS]))}


# Of every cell, chosen on draws that no table has.
RECIPE = Recipe(num_steps=30, batch=16)

# Everywhere, and at one number of words.
_MAIN = ("colora", "alone", "heads", "heads_together", *LINEAR)
_OTHERS = tuple(name for name in METHODS if name not in _MAIN)
_ALL_GROUPS = (*GROUPS, GRADED)


def _grid(
    groups: Sequence[str], users: Sequence[int], samples: Sequence[int], seeds: int, methods: tuple[str, ...]
) -> Iterator[LanguageChunk]:
    for group, num_users, num_samples, seed in itertools.product(groups, users, samples, range(seeds)):
        yield LanguageChunk((LanguageDraw(group, num_users, num_samples, seed),), methods)


PRESETS: Mapping[str, Callable[[], Iterator[LanguageChunk]]] = {
    "smoke": lambda: itertools.chain(
        _grid(["similar", "dissimilar"], [4], [10], 2, ("colora", "alone", "heads", *LINEAR)),
    ),
    "cpu": lambda: itertools.chain(
        _grid(_ALL_GROUPS, [8], [10, 20, 40, 80], 10, _MAIN),
        _grid(_ALL_GROUPS, [8], [20], 10, _OTHERS),
        _grid(["similar", "mixed"], [4, 16], [20], 10, _MAIN),
    ),
    "full": lambda: itertools.chain(
        _grid(_ALL_GROUPS, [8], [10, 20, 40, 80], 50, _MAIN + _OTHERS),
        _grid(list(GROUPS), [4, 16, 32], [10, 20, 40, 80], 50, _MAIN),
    ),
}


def make_plan(preset: str) -> Plan:
    """The chunks of a preset; the same preset always gives the same ones."""
    return Plan(NAME, preset, tuple(PRESETS[check_preset(preset)]()))

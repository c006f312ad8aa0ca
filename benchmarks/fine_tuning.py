"""A training step of many users at once beside one after the other: `python -m benchmarks.fine_tuning --turns 20`.

Each user has an adapter of its own, so both do the same: every user a forward and a backward pass over its words.
"""

import argparse
from collections.abc import Callable, Sequence

import jax
import numpy as np

from benchmarks.encoder import TURNS, timed
from benchmarks.encoder import ratio as ratio_of
from benchmarks.fingerprint import machine
from benchmarks.neighbours import Neighbours
from colora_theory.language.bank import Bank
from colora_theory.language.methods import METHODS
from colora_theory.language.sweep import LanguageDraw, Users, users_of
from colora_theory.language.tasks import Labelled
from colora_theory.language.training import Recipe, advance, begin

USERS = 16
SAMPLES = (2, 10, 20)
RECIPE = Recipe(num_steps=1, batch=max(SAMPLES))


def measure(users: Users, method: str, turns: int) -> np.ndarray:
    """Seconds of a step of all users at once, and of one after the other, in every turn; shape (turns, 2)."""
    samples = users.samples
    one_by_one = [
        _step(users.bank, Labelled(samples.words[user : user + 1], samples.labels[user : user + 1]), method)
        for user in range(len(samples.words))
    ]
    at_once = _step(users.bank, samples, method)
    return np.array([[timed(at_once), timed(lambda: [step() for step in one_by_one])] for _ in range(turns)])


def _step(bank: Bank, samples: Labelled, method: str) -> Callable[[], object]:
    """A step from the start, compiled."""
    way, key = METHODS[method], jax.random.key(0)
    model, state = begin(way, bank, samples, RECIPE, key=key)
    hidden, mask = bank.inputs(not model.layers)

    def step() -> object:
        return jax.block_until_ready(
            advance(model, state, way, RECIPE, hidden, mask, samples.words, samples.labels, key, 1).trained
        )

    step()
    return step


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one row for each number of words, with adapters and with readouts alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS)
    turns = parser.parse_args(arguments).turns
    neighbours = Neighbours()
    print(f"| trained | words of each of {USERS} users | at once, ms | one by one, ms | ratio [95% interval] |")
    print("|---" * 5 + "|")
    for method in ("alone", "heads"):
        for count in SAMPLES:
            users = users_of(LanguageDraw("similar", USERS, count, 0))
            seconds = measure(users, method, turns)
            quick, slow = 1e3 * np.median(seconds, axis=0)
            print(f"| {method} | {count} | {quick:.1f} | {slow:.1f} | {ratio_of(seconds[:, ::-1])} |", flush=True)
    print(f"{machine()}; {turns} turns; others used {neighbours.cores() or 0:.2f} cores")


if __name__ == "__main__":
    main()

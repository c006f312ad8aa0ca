"""The sentence encoder beside that of transformers on torch: `python -m benchmarks.encoder --turns 20` prints a table.

Both have all cores and take turns in one process, so that a machine that is slow for a while is slow for both.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from benchmarks.fingerprint import machine
from benchmarks.neighbours import Neighbours

# Sentences, and the fewest and the most tokens of one.
BATCHES = ((256, 8, 12), (64, 64, 64))
TURNS = 20


def measure(batch: tuple[int, int, int], turns: int) -> tuple[np.ndarray, float]:
    """Seconds of ours and of theirs in every turn, shape (turns, 2), and the largest difference of an entry."""
    sentences, fewest, most = batch
    rng = np.random.default_rng(0)
    ids = rng.integers(1000, 30_000, (sentences, most), dtype=np.int32)
    mask = np.arange(most) < rng.integers(fewest, most + 1, (sentences, 1))
    actions = (_ours(ids, mask), _theirs(ids, mask))
    difference = np.max(np.abs(actions[0]() - actions[1]()))
    seconds = [[timed(action) for action in actions] for _ in range(turns)]
    return np.array(seconds), float(difference)


def _ours(ids: np.ndarray, mask: np.ndarray) -> Callable[[], np.ndarray]:
    import equinox as eqx

    from colora_theory.language.weights import load_pretrained

    encode = eqx.filter_jit(load_pretrained()[0])
    return lambda: np.asarray(encode(ids, mask))


def _theirs(ids: np.ndarray, mask: np.ndarray) -> Callable[[], np.ndarray]:
    import torch
    import transformers

    from colora_theory.language.weights import installed_folder

    encoder = transformers.BertModel.from_pretrained(installed_folder()).eval()
    tokens, there = torch.tensor(ids), torch.tensor(mask)[..., None]

    @torch.inference_mode()
    def encode() -> np.ndarray:
        hidden = encoder(tokens, attention_mask=there[..., 0]).last_hidden_state
        return torch.nn.functional.normalize((hidden * there).sum(1) / there.sum(1)).numpy()

    return encode


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def told(batch: tuple[int, int, int], seconds: np.ndarray, difference: float) -> str:
    """A row of the table."""
    sentences, fewest, most = batch
    ours, theirs = 1e3 * np.median(seconds, axis=0)
    return f"| {sentences} of {fewest} to {most} | {ours:.0f} | {theirs:.0f} | {ratio(seconds)} | {difference:.1e} |"


def ratio(seconds: np.ndarray) -> str:
    """The median ratio of the first to the second in a turn, with its 95% interval by order statistics."""
    ratios = seconds[:, 0] / seconds[:, 1]
    low, high = stats.quantile_test(ratios, q=1, p=0.5).confidence_interval()
    return f"{np.median(ratios):.2f} [{low:.2f}, {high:.2f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints one row for each kind of batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS)
    turns = parser.parse_args(arguments).turns
    neighbours = Neighbours()
    print("| tokens | ours, ms | torch, ms | ours / torch [95% interval] | largest difference |")
    print("|---" * 5 + "|")
    for batch in BATCHES:
        print(told(batch, *measure(batch, turns)), flush=True)
    print(f"{machine()}; {turns} turns; others used {neighbours.cores() or 0:.2f} cores")


if __name__ == "__main__":
    main()

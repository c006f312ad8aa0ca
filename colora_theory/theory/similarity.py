"""How similar tasks must be for a spectral start to see the subspaces."""

import math
from collections.abc import Sequence

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from colora_theory.synthetic import TaskFamily
from colora_theory.theory.overlap import start_overlap

# The overlap need not rise with s for every truth: where it crosses the level first is looked for on a grid.
_GRID = 16
_BISECTIONS = 10


def minimal_similarity(
    family: TaskFamily,
    num_samples: int,
    noise: float = 0.0,
    *,
    start: str = "pooled",
    level: float = 0.0,
    key: PRNGKeyArray | None = None,
    draws: int = 32,
) -> float:
    """The smallest similarity s at which a spectral start is predicted to see all shared directions.

    Seen is a direction whose squared cosine is above the level, by `start_overlap` at the cores
    sqrt(s) C_0 + sqrt(1 - s) Z_i with the same C_0 and Z_i at every s; of several truths the median counts, of the
    directions of U and V the weakest. s enters through the cores alone: the mean of independent cores is small, so a
    pooled start needs s; the stack of independent cores is well conditioned, so a stacked start hardly ever does.

    Args:
        family: sizes and rank; its own similarity plays no part.
        num_samples: samples of each user, at least 1.
        noise: sigma, standard deviation of a measurement.
        start: "pooled" or "stacked".
        level: squared cosine to be exceeded, in [0, 1); 0 is the threshold below which a direction is not found at all.
        key: randomness of the truths.
        draws: how many, at least 1; with one the answer is that of one truth, `family.sample_truth` at the first key
            of `jax.random.split(key, 1)`.

    Returns:
        s in [0, 1], to within 1e-4; 0.0 if independent tasks are enough, `math.inf` if one common core is not.

    Raises:
        ValueError: for numbers out of these ranges, another start, or a family with a misalignment or a prescribed
            condition number.
    """
    if not 0 <= level < 1:
        raise ValueError(f"level {level} is outside [0, 1)")
    if draws < 1:
        raise ValueError(f"draws {draws} is below 1")
    if family.misalignment is not None:
        raise ValueError(f"misalignment {family.misalignment}: the starts are compared with shared subspaces")
    if family.condition_number is not None:
        raise ValueError(f"condition_number {family.condition_number}: similarity is that of cores as drawn")
    keys = list(jax.random.split(jax.random.key(0) if key is None else key, draws))
    common, own = (_cores(family, similarity, keys) for similarity in (1.0, 0.0))

    def seen(similarity: float) -> bool:
        cores = np.sqrt(similarity) * common + np.sqrt(1 - similarity) * own
        sizes = family.num_rows, family.num_cols, num_samples, noise
        overlaps = [start_overlap(each, *sizes, start=start) for each in cores]
        return bool(np.median([overlap.weakest for overlap in overlaps]) > level)

    grid = np.linspace(0.0, 1.0, _GRID + 1)
    first = next((index for index, similarity in enumerate(grid) if seen(similarity)), None)
    if first is None:
        return math.inf
    if first == 0:
        return 0.0
    low, high = float(grid[first - 1]), float(grid[first])
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high


def _cores(family: TaskFamily, similarity: float, keys: Sequence[PRNGKeyArray]) -> np.ndarray:
    """The cores of truths of that similarity, shape (draws, num_users, r1, r2)."""
    sizes = family.num_users, family.num_rows, family.num_cols, family.rank
    return np.stack([np.asarray(TaskFamily(*sizes, similarity).sample_truth(key).cores) for key in keys])

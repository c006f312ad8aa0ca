"""Means of held-out losses, differences between them, and how far they are to be trusted."""

import math

import numpy as np
import scipy.stats
from jaxtyping import Float, Int

# Of all intervals.
LEVEL = 0.95


def cell_sums(values: Float[np.ndarray, "k n"], assigned: Int[np.ndarray, "k n"]) -> Float[np.ndarray, "k f"]:
    """Sums over the samples of each user in each fold; samples of fold -1 belong to none."""
    folds = int(assigned.max()) + 1
    return np.stack([np.sum(values, axis=1, where=assigned == fold) for fold in range(folds)], axis=1)


def mean_with_error(values: Float[np.ndarray, "k n"], assigned: Int[np.ndarray, "k n"]) -> tuple[float, float]:
    """The mean over all samples, and its standard error.

    The samples of a user in a fold are predicted by the same weights, so they are one draw together: the error is that
    of a sum of independent cells. That training sets overlap is left out here, see `inflation`.
    """
    present = assigned >= 0
    mean = float(np.mean(values, where=present))
    cells = cell_sums(np.where(present, values - mean, 0.0), assigned)
    return mean, math.sqrt(_spread(cells)) / int(np.count_nonzero(present))


def inflation(folds: int) -> float:
    """By what the variance of a cross-validated mean is multiplied: 1 + f / (f - 1).

    Training sets of different folds share most of their samples, so errors of different folds are not independent, and
    no estimate from one cross-validation is unbiased. Nadeau and Bengio (Machine Learning 52, 2003, 239) correct the
    variance over f folds from 1 / f to 1 / f + (share held out) / (share trained on).
    """
    return 1 + folds / (folds - 1)


def interval_of_ratio(
    numerator: Float[np.ndarray, " m"], denominator: Float[np.ndarray, " m"], folds: int
) -> tuple[float, float, float]:
    """The ratio of two sums, and its interval at `LEVEL` by the delta method for its logarithm, variance corrected.

    On the logarithm since squared errors have long tails; the interval of the inverse is the inverse of the interval.

    Args:
        numerator: losses of one method on the units that are taken as independent: samples, or cells.
        denominator: those of another one on the same units; the sums of both are positive.
        folds: see `inflation`.
    """
    difference = numerator / numerator.sum() - denominator / denominator.sum()
    quantile = float(scipy.stats.t.ppf((1 + LEVEL) / 2, difference.size - 1))
    wide = quantile * math.sqrt(_spread(difference) * inflation(folds))
    ratio = float(numerator.sum() / denominator.sum())
    return ratio, ratio * math.exp(-wide), ratio * math.exp(wide)


def _spread(cells: np.ndarray) -> float:
    """Variance of a sum of independent cells of mean zero."""
    return float(np.sum(np.square(cells))) * cells.size / (cells.size - 1)

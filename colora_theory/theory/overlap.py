"""How much of the subspaces a spectral start finds."""

import dataclasses

import numpy as np
import scipy.optimize

_MARGIN = 1e-12


@dataclasses.dataclass(frozen=True)
class StartOverlap:
    """Predicted squared cosines between the directions of a start and the subspaces of the truth, largest first.

    Attributes:
        left: of U, shape (r1,).
        right: of V, shape (r2,).
    """

    left: np.ndarray
    right: np.ndarray

    @property
    def mean_left(self) -> float:
        """||U^T U^||_F^2 / r1."""
        return float(np.mean(self.left))

    @property
    def mean_right(self) -> float:
        """||V^T V^||_F^2 / r2."""
        return float(np.mean(self.right))

    @property
    def weakest(self) -> float:
        """The smallest squared cosine of both sides: 0 if some direction is not found at all."""
        return float(min(np.min(self.left), np.min(self.right)))


def start_overlap(
    cores: np.ndarray,
    num_rows: int,
    num_cols: int,
    num_samples: int | np.ndarray,
    noise: float = 0.0,
    *,
    start: str = "stacked",
) -> StartOverlap:
    """The overlap of a pooled or stacked spectral start with the truth, for a Gaussian design of unit variance.

    The moment matrix of user i is W_i plus nearly independent noise of variance (||W_i||_F^2 + sigma^2) / n_i per
    entry. A stack of such matrices, or their average, is a spiked rectangular matrix: below a threshold a direction is
    not found at all, above it the overlap is known (Benaych-Georges and Nadakuditi 2012 for one variance; for users of
    unequal variance docs/theory.md derives the formula used here).

    Args:
        cores: cores for orthonormal U and V, shape (num_users, r1, r2).
        num_rows: d1.
        num_cols: d2.
        num_samples: samples of one user, one number or one for each user; at least 1.
        noise: sigma, standard deviation of a measurement.
        start: "pooled" or "stacked".

    Raises:
        ValueError: for another start, a negative noise, or a user without samples.
    """
    if start not in ("pooled", "stacked"):
        raise ValueError(f"start {start!r} is neither 'pooled' nor 'stacked'")
    if noise < 0:
        raise ValueError(f"noise {noise} is below 0")
    cores = np.asarray(cores, float)
    samples = np.broadcast_to(np.asarray(num_samples, float), (len(cores),))
    if np.any(samples < 1):
        raise ValueError(f"num_samples {samples.min():g} is below 1")
    variances = (np.sum(cores**2, axis=(1, 2)) + noise**2) / samples
    if start == "pooled":
        shares = samples / np.sum(samples)
        cores = np.einsum("k,krs->rs", shares, cores)[None]
        variances = np.array([np.sum(shares**2 * variances)])
    transposed = np.swapaxes(cores, 1, 2)
    return StartOverlap(
        _overlaps(cores @ transposed, variances, num_rows, num_cols),
        _overlaps(transposed @ cores, variances, num_cols, num_rows),
    )


def _overlaps(outer: np.ndarray, variances: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Squared cosines of the left singular vectors of [X_1 .. X_k], X_i a signal plus noise of its own variance.

    Args:
        outer: X_i X_i^T of the signals in the basis of their common column space, shape (k, r, r).
        variances: of the noise, shape (k,).
        rows: of every X_i.
        columns: of every X_i.
    """
    rank = outer.shape[1]
    if not variances.max() > 0:
        return np.ones(rank)

    def edge(s: float) -> float:
        return float(rows / s**2 - columns * np.sum((variances / (1 - variances * s)) ** 2))

    def strengths(s: float) -> tuple[np.ndarray, np.ndarray]:
        return np.linalg.eigh(np.einsum("k,kpq->pq", 1 / (1 - variances * s), outer))

    pole = 1 / variances.max()
    last = scipy.optimize.brentq(edge, _MARGIN * pole, (1 - _MARGIN) * pole)
    found = np.zeros(rank)
    for index in range(rank):

        def gap(s: float, index: int = index) -> float:
            return float(s * strengths(s)[0][index] - rows)

        if gap(last) <= 0:
            continue
        s = scipy.optimize.brentq(gap, _MARGIN * pole, last)
        direction = strengths(s)[1][:, index]
        seen = np.einsum("p,kpq,q->k", direction, outer, direction)
        slope = rows / s**2 + np.sum(variances * seen / (1 - variances * s) ** 2)
        found[index] = edge(s) / slope
    return np.sort(found)[::-1]

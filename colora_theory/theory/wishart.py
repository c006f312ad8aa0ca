"""The largest eigenvalue of real Wishart matrices."""

import numpy as np
import scipy.special

# The law of Tracy and Widom for real matrices as a shifted gamma law of shape, scale and shift (Chiani 2014, table I).
_SHAPE, _SCALE, _SHIFT = 46.446, 0.186054, 9.84801
_POINTS = 2001
# exp(-14) is left out of the tails.
_TAIL = 14.0


def largest_eigenvalue_cdf(values: np.ndarray, num_samples: int, size: int) -> np.ndarray:
    """P(largest eigenvalue of X^T X <= value), X of shape (num_samples, size) with standard normal entries.

    The law of Tracy and Widom in the scale that Johnstone (2001) found, with Chiani's (2014, arXiv 1209.3394) gamma law
    in its place; good to about 0.01 from the smallest matrices on.

    Args:
        values: shape (m,).
        num_samples: n, at least 1.
        size: p, at least 1.

    Returns:
        Shape (m,).
    """
    rows, columns = np.sqrt(num_samples - 0.5), np.sqrt(size - 0.5)
    centre = (rows + columns) ** 2
    width = (rows + columns) * (1 / rows + 1 / columns) ** (1 / 3)
    scaled = ((values - centre) / width + _SHIFT) / _SCALE
    return np.asarray(scipy.special.gammainc(_SHAPE, np.maximum(scaled, 0)))


def expected_largest_of_all(num_samples: np.ndarray, size: int) -> float:
    """Mean over designs of the largest eigenvalue of X_i^T X_i / n_i over all users i.

    Args:
        num_samples: n_i, at least 1, shape (num_users,).
        size: p, columns of every X_i.
    """
    counts, repeats = np.unique(num_samples.astype(int), return_counts=True)
    # Beyond by the concentration of singular values (Davidson and Szarek).
    top = (1 + np.sqrt(size / counts[0]) + np.sqrt(2 * (np.log(len(num_samples)) + _TAIL) / counts[0])) ** 2
    grid = np.linspace(0.0, top, _POINTS)
    below = np.ones_like(grid)
    for count, times in zip(counts, repeats, strict=True):
        below *= largest_eigenvalue_cdf(grid * count, int(count), size) ** times
    return float(np.trapezoid(1 - below, grid))

"""Counting: how many numbers a model has, and how many measurements it needs at least.

For generic scalar measurements unless a function says otherwise, and necessary conditions only. Proofs are in
docs/theory.md.
"""

import bisect
import math

import numpy as np
import scipy.special
from jaxtyping import Float

from colora_theory.factors import check_rank, rank_pair


def degrees_of_freedom(num_users: int, num_rows: int, num_cols: int, rank: int | tuple[int, int]) -> int:
    """Dimension of the set of all (W_1 .. W_k): r1 (d1 - r1) + r2 (d2 - r2) + k r1 r2.

    Two Grassmann manifolds and k free cores.

    Raises:
        ValueError: for a rank that the sizes or the number of users do not allow.
    """
    r1, r2 = check_rank(rank, num_users, num_rows, num_cols)
    return r1 * (num_rows - r1) + r2 * (num_cols - r2) + num_users * r1 * r2


def degrees_of_freedom_alone(num_rows: int, num_cols: int, rank: int | tuple[int, int]) -> int:
    """Dimension of the d1 x d2 matrices of rank min(r1, r2), which is what one user has to find without the others."""
    r1, r2 = rank_pair(rank)
    # As many users as any pair of ranks needs: only the sizes are to be checked.
    check_rank(rank, max(r1, r2), num_rows, num_cols)
    r = min(r1, r2)
    return r * (num_rows + num_cols - r)


def necessary_samples(num_users: int, num_rows: int, num_cols: int, rank: int | tuple[int, int]) -> int:
    """Fewest samples per user that counting allows: DoF / k, which is never below a core's r1 r2 entries."""
    return math.ceil(degrees_of_freedom(num_users, num_rows, num_cols, rank) / num_users)


def necessary_outputs(num_users: int, num_rows: int, num_cols: int, rank: int | tuple[int, int]) -> int:
    """Fewest vector outputs W_i x per user that counting allows: r2 + r2 (d2 - r2) / (k min(r1, r2)).

    Their n d1 numbers are not worth n d1 measurements: all outputs lie in range(U), which they show at once, and only
    r1 numbers of each then tell of the cores and of V.

    Raises:
        ValueError: for a rank that the sizes or the number of users do not allow.
    """
    r1, r2 = check_rank(rank, num_users, num_rows, num_cols)
    return r2 + math.ceil(r2 * (num_cols - r2) / (num_users * min(r1, r2)))


def covering_entries(num_rows: int, num_cols: int, rank: int | tuple[int, int], *, failure: float = 0.05) -> int:
    """Entries, of all users together, that show every row r1 times and every column r2 times: the coupon collector.

    Drawn uniformly with replacement, this many do it with probability at least 1 - `failure` (the sum of the binomial
    probabilities that a single row or column is seen too rarely). Fewer times are not enough: a row of U has r1
    unknowns, and only entries in this row see them. About d (log(d / failure) + (r - 1) log log d) for the larger side.

    Raises:
        ValueError: for an impossible rank or a probability outside (0, 1).
    """
    r1, r2 = rank_pair(rank)
    check_rank(rank, max(r1, r2), num_rows, num_cols)
    if not 0 < failure < 1:
        raise ValueError(f"failure {failure} is outside (0, 1)")

    def too_rare(entries: int) -> float:
        sides = ((num_rows, r1), (num_cols, r2))
        return sum(
            float(size * scipy.special.bdtr(min(times - 1, entries), entries, 1 / size)) for size, times in sides
        )

    enough = 1
    while too_rare(enough) > failure:
        enough *= 2
    return bisect.bisect_left(range(enough), True, key=lambda entries: too_rare(entries) <= failure)


def oversampling(num_samples: int, num_users: int, num_rows: int, num_cols: int, rank: int | tuple[int, int]) -> float:
    """N / DoF: scalar measurements of all users over degrees of freedom."""
    return num_samples * num_users / degrees_of_freedom(num_users, num_rows, num_cols, rank)


def collaboration_gain(num_users: int, num_rows: int, num_cols: int, rank: int | tuple[int, int]) -> float:
    """Samples per user that a user alone needs, over those needed together (both by counting)."""
    alone = degrees_of_freedom_alone(num_rows, num_cols, rank)
    return alone / (degrees_of_freedom(num_users, num_rows, num_cols, rank) / num_users)


def identifiability_rank(cores: Float[np.ndarray, "k r1 r2"]) -> tuple[int, int]:
    """Numerical ranks of [C_1 .. C_k] and of the vertical stack.

    U and V are identifiable, up to a change of basis, exactly if these are (r1, r2): no user has to be different from
    another, identical invertible cores suffice.
    """
    stacked = np.asarray(cores)
    horizontal = np.moveaxis(stacked, 1, 0).reshape(stacked.shape[1], -1)
    vertical = stacked.reshape(-1, stacked.shape[2])
    return int(np.linalg.matrix_rank(horizontal)), int(np.linalg.matrix_rank(vertical))

"""Counting: how many numbers a model has, and how many measurements it needs at least.

All are for generic scalar measurements, and necessary conditions only. Proofs are in docs/theory.md.
"""

import math

import numpy as np
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

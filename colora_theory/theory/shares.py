"""Which part of the shared directions each user sees."""

import numpy as np


def energy_shares(cores: np.ndarray) -> np.ndarray:
    """S_i = G^(-1/2) C_i C_i^T G^(-1/2) with G = sum_i C_i C_i^T: they sum to the identity.

    Args:
        cores: C_i, shape (num_users, r, s); transposed for the right side.

    Returns:
        Shape (num_users, r, r).

    Raises:
        ValueError: if [C_1 .. C_k] is rank deficient.
    """
    outer = cores @ np.swapaxes(cores, 1, 2)
    values, vectors = np.linalg.eigh(np.sum(outer, axis=0))
    if values[0] <= values[-1] * len(values) * np.finfo(float).eps:
        raise ValueError(f"the stacked cores are rank deficient: squared singular values {values[::-1]}")
    root = (vectors / np.sqrt(values)) @ vectors.T
    whitened: np.ndarray = root @ outer @ root
    return whitened

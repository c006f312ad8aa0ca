"""The factored cost in numpy: f(U, C, V) = 1/2 sum_ij (y_ij - <A_ij, U C_i V^T>)^2 and its gradient.

Composing the W_i is cheap, and reading the data as k matrix-vector products, once for the predictions and once for
sum_j e_ij A_ij, runs at the speed of memory: no layout can do with less.
"""

import numpy as np

from benchmarks.draws import Factors


def value_and_gradient(A: np.ndarray, y: np.ndarray, factors: Factors) -> tuple[float, Factors]:
    """The cost and its gradient in the three blocks."""
    k, n, d1, d2 = A.shape
    rows = A.reshape(k, n, d1 * d2)
    residual = (rows @ factors.compose().reshape(k, -1, 1))[:, :, 0] - y
    moments = (residual[:, None, :] @ rows).reshape(k, d1, d2)
    at_right = moments @ factors.right
    gradient = Factors(
        np.sum(at_right @ factors.cores.mT, axis=0),
        factors.left.T @ at_right,
        np.sum(moments.mT @ factors.left @ factors.cores, axis=0),
    )
    return 0.5 * float(np.sum(residual**2)), gradient

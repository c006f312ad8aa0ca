"""The variable-projection cost in numpy, with gradient and Hessian products written by hand.

f(U, V) = min over the cores of 1/2 sum_ij (y_ij - <A_ij, U C_i V^T>)^2, for all U and V of full rank.

With A stored as (k, n, d1, d2), a cost reads the data once, as many products U^T A_ij of a size that BLAS keeps in
cache (one product of all samples at once was up to ten times slower with numpy's OpenBLAS); a gradient reads them once
more, as k matrix-vector products sum_j e_ij A_ij, which run at the speed of memory.
"""

import dataclasses
import functools

import numpy as np


@dataclasses.dataclass
class _Point:
    """What is known at one pair of subspaces; what few calls need is computed when it is asked for."""

    cost: "ProjectedCost"
    left: np.ndarray
    right: np.ndarray

    @functools.cached_property
    def at_left(self) -> np.ndarray:
        """U^T A_ij, shape (k, n, r1, d2)."""
        return self.left.T @ self.cost.A

    @functools.cached_property
    def at_right(self) -> np.ndarray:
        """A_ij V, shape (k, n, d1, r2)."""
        return self.cost.A @ self.right

    @functools.cached_property
    def design(self) -> np.ndarray:
        """U^T A_ij V of the core problems, shape (k, n, r1 r2)."""
        k, n = self.cost.y.shape
        return (self.at_left.reshape(-1, self.at_left.shape[-1]) @ self.right).reshape(k, n, -1)

    @functools.cached_property
    def normal(self) -> np.ndarray:
        """Normal matrices of the cores, shape (k, r1 r2, r1 r2)."""
        return self.design.mT @ self.design

    @functools.cached_property
    def cores(self) -> np.ndarray:
        """The least-squares cores, shape (k, r1, r2)."""
        right_side = self.design.mT @ self.cost.y[:, :, None]
        return np.linalg.solve(self.normal, right_side).reshape(-1, self.left.shape[1], self.right.shape[1])

    @functools.cached_property
    def residual(self) -> np.ndarray:
        """Measurements less predictions, shape (k, n)."""
        return self.cost.y - _apply(self.design, self.cores)

    @functools.cached_property
    def moments(self) -> np.ndarray:
        """sum_j e_ij A_ij, shape (k, d1, d2)."""
        return _adjoint(self.cost.A, self.residual)


class ProjectedCost:
    """The cost, its Euclidean gradient, and exact Hessian products.

    Two points are remembered: optimizers ask for cost, gradient and Hessian at a point one after the other, and return
    to the last point when a trial fails.

    Attributes:
        A: sensing matrices, shape (k, n, d1, d2).
        y: measurements, shape (k, n).
    """

    def __init__(self, A: np.ndarray, y: np.ndarray) -> None:
        self.A, self.y = A, y
        self._points: list[_Point] = []

    def at(self, left: np.ndarray, right: np.ndarray) -> _Point:
        """What is known at these very arrays."""
        for place, point in enumerate(self._points):
            if point.left is left and point.right is right:
                self._points.append(self._points.pop(place))
                return point
        self._points = [*self._points[-1:], _Point(self, left, right)]
        return self._points[-1]

    def value(self, left: np.ndarray, right: np.ndarray) -> float:
        """f(U, V)."""
        return 0.5 * float(np.sum(self.at(left, right).residual ** 2))

    def gradient(self, left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The Euclidean gradient in U and V; at the best cores theirs is zero."""
        point = self.at(left, right)
        return (
            -np.sum(point.moments @ right @ point.cores.mT, axis=0),
            -np.sum(point.moments.mT @ left @ point.cores, axis=0),
        )

    def hessian(
        self, left: np.ndarray, right: np.ndarray, left_change: np.ndarray, right_change: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The derivative of the gradient along a direction; reads A V and U^T A only, which are r / d of the data."""
        point = self.at(left, right)
        cores, moments = point.cores, point.moments
        # How the predictions change at fixed cores, then how the cores answer, then the residual.
        moved = _apply(point.at_right, left_change @ cores) + _apply(point.at_left, cores @ right_change.T)
        pull = left_change.T @ moments @ right + left.T @ moments @ right_change
        pull = pull.reshape(len(cores), -1, 1) - point.design.mT @ moved[:, :, None]
        core_change = np.linalg.solve(point.normal, pull).reshape(cores.shape)
        residual_change = -moved - _apply(point.design, core_change)
        along_right = _adjoint(point.at_right, residual_change) + moments @ right_change
        along_left = _adjoint(point.at_left, residual_change) + left_change.T @ moments
        return (
            -np.sum(along_right @ cores.mT + moments @ right @ core_change.mT, axis=0),
            -np.sum(along_left.mT @ cores + moments.mT @ left @ core_change, axis=0),
        )


def _apply(matrices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """<matrices_ij, weights_i>, shape (k, n)."""
    k, n = matrices.shape[:2]
    return (matrices.reshape(k, n, -1) @ weights.reshape(k, -1, 1))[:, :, 0]


def _adjoint(matrices: np.ndarray, measurements: np.ndarray) -> np.ndarray:
    """sum_j measurements_ij matrices_ij, shape (k, ...)."""
    k, n = matrices.shape[:2]
    return (measurements[:, None, :] @ matrices.reshape(k, n, -1)).reshape(k, *matrices.shape[2:])

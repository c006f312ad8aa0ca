"""pymanopt: conjugate gradients and trust regions over Grassmann(d1, r1) x Grassmann(d2, r2).

The cost is variable projection (`methods/projection.py`), with gradient and Hessian by hand: pymanopt has no
finite-difference Hessian in its numpy backend, and products with the exact one read r / d of the data only.

Tuned on draws of their own (M1, condition numbers as drawn, 10 and 100):

* Preconditioning by the inverse Gram matrices of the stacked cores, which are the curvatures of U and V up to a
  constant. Conjugate gradients to the end then take 30 instead of 127 steps at condition number 10, 32 instead of 186
  at 100; no change without one.
* Measurements scaled to unit norm: the stopping rule of the inner solver and the regularization of the ratio test are
  absolute. Trust regions converge quadratically then; on unscaled data they crawl or never stop.
* Kept after trying: Hestenes-Stiefel and the adaptive line search (the alternatives of the package are equal or up to
  ten times slower), kappa = 0.1.
"""

from typing import Any

import numpy as np
import pymanopt
from pymanopt.manifolds import Grassmann, Product
from pymanopt.optimizers import ConjugateGradient, TrustRegions

from benchmarks.draws import Data, Factors
from benchmarks.methods.base import Recorder, Solve
from benchmarks.methods.projection import ProjectedCost

OPTIMIZERS = {"conjugate_gradient": ConjugateGradient, "trust_regions": TrustRegions}
# Below them nothing is left to gain in float64.
_STOP = {"min_gradient_norm": 1e-12, "min_step_size": 1e-14, "max_iterations": 100_000, "max_time": float("inf")}


def prepare(data: Data, optimizer: str) -> Solve:
    """A run of one of the `OPTIMIZERS`."""
    scale = float(np.linalg.norm(data.y))
    start = data.start
    manifold = Product([Grassmann(*start.left.shape), Grassmann(*start.right.shape)])

    def solve(recorder: Recorder) -> None:
        objective = ProjectedCost(data.A, data.y / scale)
        latest: list[np.ndarray] = []

        @pymanopt.function.numpy(manifold)
        def cost(left: np.ndarray, right: np.ndarray) -> float:
            return objective.value(left, right)

        @pymanopt.function.numpy(manifold)
        def gradient(left: np.ndarray, right: np.ndarray) -> list[np.ndarray]:
            # Gradients are taken at accepted points only, but again with every Hessian product.
            if not latest or latest[0] is not left:
                latest[:] = [left]
                recorder(Factors(left, objective.at(left, right).cores * scale, right))
            return list(objective.gradient(left, right))

        @pymanopt.function.numpy(manifold)
        def hessian(*point_and_direction: np.ndarray) -> list[np.ndarray]:
            return list(objective.hessian(*point_and_direction))

        def precondition(point: Any, tangent: Any) -> Any:
            cores = objective.at(*point).cores * np.sqrt(data.y.shape[1])
            left = np.linalg.solve(np.einsum("krs,kps->rp", cores, cores), tangent[0].T).T
            right = np.linalg.solve(np.einsum("krs,krq->sq", cores, cores), tangent[1].T).T
            return manifold.to_tangent_space(point, [left, right])

        problem = pymanopt.Problem(
            manifold, cost, euclidean_gradient=gradient, euclidean_hessian=hessian, preconditioner=precondition
        )
        OPTIMIZERS[optimizer](verbosity=0, **_STOP).run(problem, initial_point=[start.left, start.right])

    return solve

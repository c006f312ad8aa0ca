"""scipy: L-BFGS-B on the factored cost.

Tuned on draws of their own (M1, condition numbers as drawn, 10 and 100):

* Factors balanced in every direction (`Factors.balance`): 267 steps to the end at condition number 10 and 2,500 at 100;
  with one common scale for all directions neither was reached in 4,000 steps (with 30 corrections), and other powers
  than the cube root do worse too. Without any balance 319 instead of 46 steps at the condition number as drawn.
* 30 corrections: 10 need a few more steps, 100 a few less, but a step then costs several times as much.
* Measurements scaled to unit norm, and no tolerances: it stops when the line search finds nothing any more.
"""

import numpy as np
from scipy.optimize import minimize

from benchmarks.draws import Data, Factors
from benchmarks.methods.base import Recorder, Solve
from benchmarks.methods.factored import value_and_gradient

_OPTIONS = {"maxcor": 30, "ftol": 0.0, "gtol": 0.0, "maxiter": 100_000, "maxfun": 1_000_000}


def prepare(data: Data) -> Solve:
    """A run of scipy's L-BFGS-B."""
    scale = float(np.linalg.norm(data.y))
    start = Factors(data.start.left, data.start.cores / scale, data.start.right).balance()
    shapes = [block.shape for block in start.blocks]
    cuts = np.cumsum([block.size for block in start.blocks])[:-1]

    def unpack(x: np.ndarray) -> Factors:
        return Factors(*(part.reshape(shape) for part, shape in zip(np.split(x, cuts), shapes, strict=True)))

    def solve(recorder: Recorder) -> None:
        def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = value_and_gradient(data.A, data.y / scale, unpack(x))
            return value, _pack(gradient)

        def record(x: np.ndarray) -> None:
            factors = unpack(x)
            recorder(Factors(factors.left, factors.cores * scale, factors.right))

        record(_pack(start))
        minimize(objective, _pack(start), jac=True, method="L-BFGS-B", callback=record, options=_OPTIONS)

    return solve


def _pack(factors: Factors) -> np.ndarray:
    return np.concatenate([block.ravel() for block in factors.blocks])

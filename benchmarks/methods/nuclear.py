"""cvxpy: nuclear norms, the convex relaxation.

Minimize ||[W_1 .. W_k]||_* + ||[W_1; ..; W_k]||_* subject to all measurements: no rank is given, and no start.

Tuned on draws of their own (T): SCS with eps 1e-9 ends at 1e-10 to 1e-11; with its default eps at 1e-4, and Clarabel,
which ends at 4e-8 whatever its tolerances, takes longer.
"""

import cvxpy
import numpy as np

from benchmarks.draws import Data, Factors
from benchmarks.errors import NotPossibleError
from benchmarks.methods.base import Recorder, Solve

_LARGEST = 1000  # unknowns; the semidefinite program of M1 has 12,000, and an iteration takes seconds


def prepare(data: Data) -> Solve:
    """A run of SCS.

    Raises:
        NotPossibleError: for all but tiny problems.
    """
    k, n, d1, d2 = data.A.shape
    if k * d1 * d2 > _LARGEST:
        raise NotPossibleError(f"a semidefinite program with {k * d1 * d2} unknowns")

    def solve(recorder: Recorder) -> None:
        weights = [cvxpy.Variable((d1, d2)) for _ in range(k)]
        constraints = [
            A.reshape(n, -1) @ cvxpy.vec(weight, order="C") == y
            for A, weight, y in zip(data.A, weights, data.y, strict=True)
        ]
        objective = cvxpy.normNuc(cvxpy.hstack(weights)) + cvxpy.normNuc(cvxpy.vstack(weights))
        problem = cvxpy.Problem(cvxpy.Minimize(objective), constraints)
        problem.solve(solver="SCS", eps=1e-9, max_iters=1_000_000, time_limit_secs=recorder.cap)
        if weights[0].value is None:
            raise RuntimeError(f"SCS ended as {problem.status}")
        recorder.steps = problem.solver_stats.num_iters or 0
        recorder(Factors(np.eye(d1), np.array([weight.value for weight in weights]), np.eye(d2)))

    return solve

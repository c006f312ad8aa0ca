"""Fits of any rank up to a largest one, all by one compiled program."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solve import solve
from colora_theory.solvers import AbstractSolver, AlternatingMinimization, State
from colora_theory.starts import Stacked

# Enough to choose between models: an error far below the standard error of a measured one.
_GRADIENT_TOL = 1e-5
_RESIDUAL_TOL = 1e-7
_MAX_STEPS = 200


class NestedAlternating(AbstractSolver):
    """Alternating minimization with fewer directions than the arrays have columns.

    The directions that are left out have cores of zero, and a start whose directions are sorted by their weight keeps
    the first ones. The ranks are numbers in arrays, so that all of them share one compiled program.

    Attributes:
        kept_left: 1 for the columns of U that are used, the first ones, and 0 for the others; shape (r1,).
        kept_right: the same of V; shape (r2,).
    """

    kept_left: Float[Array, " r1"]
    kept_right: Float[Array, " r2"]

    @classmethod
    def of(cls, rank: tuple[int, int], largest: tuple[int, int], dtype: jnp.dtype) -> "NestedAlternating":
        """Of a rank, in arrays of the largest one.

        Raises:
            ValueError: for a rank above the largest one.
        """
        if rank[0] > largest[0] or rank[1] > largest[1]:
            raise ValueError(f"rank {rank} exceeds the largest one, {largest}")
        return cls(*(jnp.asarray(np.arange(size) < kept, dtype) for kept, size in zip(rank, largest, strict=True)))

    def init(self, problem: Problem, factors: Factors) -> State:
        return AlternatingMinimization().init(problem, self._keep(factors))

    def step(self, problem: Problem, state: State) -> State:
        # The cores come first, and see only directions that are kept. A column of U that no core uses has a gradient of
        # zero, and the triangular factor of a QR decomposition passes nothing from later columns to earlier ones.
        kept = State(self._keep(state.factors), state.loss, state.relative_gradient, state.memory)
        return AlternatingMinimization().step(problem, kept)

    def _keep(self, factors: Factors) -> Factors:
        cores = factors.cores * self.kept_left[None, :, None] * self.kept_right[None, None, :]
        return Factors(factors.left * self.kept_left[None], cores, factors.right * self.kept_right[None])


def fit_nested(problem: Problem, rank: tuple[int, int], largest: tuple[int, int]) -> Factors:
    """The least-squares fit of a rank, to the accuracy that a choice between ranks needs.

    Args:
        problem: the data.
        rank: (r1, r2).
        largest: (r1, r2) of the arrays; one program is compiled for each.

    Returns:
        Factors of the rank `largest` whose cores are zero beyond `rank`.
    """
    solver = NestedAlternating.of(rank, largest, problem.targets.dtype)
    solution = solve(
        problem,
        solver,
        Stacked(),
        largest,
        max_steps=_MAX_STEPS,
        residual_tol=_RESIDUAL_TOL,
        gradient_tol=_GRADIENT_TOL,
    )
    # What an orthonormalization fills into columns that are not kept has cores of zero.
    factors = solution.factors
    assert isinstance(factors, Factors)
    return factors

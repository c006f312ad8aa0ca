"""A start that has been solved on a part of the data."""

import math

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.problem import Problem
from colora_theory.solve import solve
from colora_theory.solvers import AbstractSolver, ScaledLBFGS
from colora_theory.starts import AbstractStart, Stacked
from colora_theory.theory import degrees_of_freedom


class Subsampled(AbstractStart):
    """The subspaces that a solver finds from the first samples of every user.

    Where there are many more measurements than unknowns, most steps need only a part of them: without noise the part
    determines the truth already, with noise it leads to where few steps on all data are left. Worth a second
    compilation where reading the data is what takes the time, at N / DoF of ten and more; where there are not as many
    samples as it would take, it is the other start alone. Its steps are no steps of the solver that follows.

    Attributes:
        solver: what solves on the part; ScaledLBFGS by default.
        start: where that sets out from.
        oversampling: N / DoF of the part, above 1.
        gradient_tol: relative gradient at which the part is done with.
        max_steps: step limit on the part, at least 1.
    """

    solver: AbstractSolver = ScaledLBFGS()
    start: AbstractStart = Stacked()
    oversampling: float = eqx.field(static=True, default=5.0)
    gradient_tol: float = eqx.field(static=True, default=1e-4)
    max_steps: int = eqx.field(static=True, default=100)

    def __check_init__(self) -> None:
        if not self.oversampling > 1:
            raise ValueError(f"oversampling {self.oversampling} is not above 1: the part would determine nothing")

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        num_users, *sizes = problem.sensing.weights_shape
        wanted = math.ceil(self.oversampling * degrees_of_freedom(num_users, *sizes, rank) / num_users)
        if wanted >= problem.sensing.num_samples:
            return self.start.subspaces(problem, rank, key)
        solution = solve(
            problem.take_samples(wanted),
            self.solver,
            self.start,
            rank,
            key=key,
            max_steps=self.max_steps,
            gradient_tol=self.gradient_tol,
        )
        return solution.factors.left, solution.factors.right

"""What both doors of this package begin with."""

from colora_theory.checks import OwnData
from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.solution import Solution


def problem_of(A: OwnData | Problem, y: OwnData | None) -> Problem:
    """The data as a problem.

    Raises:
        TypeError, ValueError: for bad data, or y beside a `Problem`.
    """
    if isinstance(A, Problem):
        if y is not None:
            raise TypeError("y was given beside a Problem, which holds its own")
        return A
    if y is None:
        raise TypeError("y is missing: the measurements that go with A")
    return Problem.dense(A, y)


def factors_of(solution: Solution) -> Factors:
    """The factors of a solution with shared subspaces."""
    assert isinstance(solution.factors, Factors)
    return solution.factors

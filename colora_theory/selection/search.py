"""A walk from rank to rank, each fitted once."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from colora_theory.problem import Problem
from colora_theory.selection.criterion import information_criterion
from colora_theory.selection.nested import fit_nested
from colora_theory.selection.samples import AbstractSamples
from colora_theory.theory import degrees_of_freedom

Rank = tuple[int, int]

# The first size of the arrays that hold all candidates; doubled when the search reaches it.
_FIRST_CAP = 4
# Below this relative residual nothing is told apart: data that are met exactly have no noise to compare with.
_EXACT = 1e-6


class Bounds:
    """Which ranks are candidates: those that sizes and counting allow.

    Attributes:
        shape: (k, d1, d2).
        measurements: of all users.
        fewest: those of the user with the fewest.
    """

    def __init__(self, problem: Problem, counts: Int[np.ndarray, " k"]):
        """Of a problem with so many measurements of each user; users without any do not count."""
        self._core = problem.sensing.measurements_of_core
        self.shape = problem.sensing.weights_shape
        self.measurements = int(counts.sum())
        self.fewest = int(counts[counts > 0].min())

    def possible(self, rank: Rank) -> bool:
        """Whether sizes and number of users allow the rank."""
        num_users, num_rows, num_cols = self.shape
        r1, r2 = rank
        return 1 <= r1 <= min(num_rows, num_users * r2) and 1 <= r2 <= min(num_cols, num_users * r1)

    def allows(self, rank: Rank) -> bool:
        """Whether the rank is possible, and the measurements are more than its unknowns."""
        return (
            self.possible(rank)
            and degrees_of_freedom(*self.shape, rank) < self.measurements
            and self._core(rank) <= self.fewest
        )


class RankSearch:
    """Fits of one part of the samples at any rank, and the walk along the information criterion.

    Attributes:
        bounds: of the ranks.
        measurements: N of this part.
        baseline: squared errors with W_0 only, shape (k, n).
        floor: the smallest RSS that is told from zero.
        squares: RSS of every rank that was fitted.
    """

    def __init__(self, samples: AbstractSamples, kept: np.ndarray):
        self._samples, self._kept = samples, kept
        self._problem = samples.train(kept)
        self.bounds = Bounds(self._problem, np.count_nonzero(kept, axis=1) * samples.measurements_each)
        self.measurements = self.bounds.measurements
        self.baseline = np.where(kept, samples.energies(self.bounds.shape), 0.0)
        if not self.baseline.any():
            raise ValueError("all measurements are those of W_0 (zero without one): there is no rank to be found")
        if not self.bounds.allows((1, 1)):
            raise ValueError(
                f"{self.measurements} measurements, {self.bounds.fewest} of the user with the fewest, do not determine "
                f"the {degrees_of_freedom(*self.bounds.shape, 1)} unknowns of rank 1: gather more samples"
            )
        self.floor = float(self.baseline.sum()) * _EXACT**2
        self.squares: dict[Rank, float] = {}
        self._losses: dict[Rank, np.ndarray] = {}

    def losses(self, rank: Rank) -> Float[np.ndarray, "k n"]:
        """Squared errors of all samples, also those that were not kept, after a fit to those that were."""
        if rank not in self._losses:
            factors = fit_nested(self._problem, rank, cap(rank, self.bounds.shape))
            self._losses[rank] = self._samples.losses(factors.compose())
            self.squares[rank] = max(float(np.sum(self._losses[rank], where=self._kept)), self.floor)
        return self._losses[rank]

    def criterion(self, rank: Rank) -> float:
        """The information criterion of a rank."""
        self.losses(rank)
        unknowns = degrees_of_freedom(*self.bounds.shape, rank)
        return information_criterion(self.squares[rank], self.measurements, unknowns)

    def best(self) -> Rank:
        """The rank with the smallest criterion, as far as a walk from (1, 1) finds it."""
        return descend(self.criterion, (1, 1), self.bounds.allows)


def neighbours(rank: Rank) -> list[Rank]:
    """The eight ranks that differ by at most one on each side."""
    return [(rank[0] + a, rank[1] + b) for a in (-1, 0, 1) for b in (-1, 0, 1) if (a, b) != (0, 0)]


def descend(score: Callable[[Rank], float], start: Rank, allowed: Callable[[Rank], bool]) -> Rank:
    """The rank at which no allowed neighbour has a smaller score, walking to the best neighbour each time."""
    current = start
    while True:
        best = min([current, *filter(allowed, neighbours(current))], key=score)
        if score(best) >= score(current):
            return current
        current = best


def cap(rank: Rank, shape: tuple[int, int, int]) -> Rank:
    """The size of the arrays in which a rank is fitted: few sizes, since each is a program of its own.

    Args:
        rank: (r1, r2), one that is possible.
        shape: (k, d1, d2).

    Returns:
        A rank that is possible, too, and at least `rank` on both sides.
    """
    num_users, num_rows, num_cols = shape
    size = _FIRST_CAP
    while size < max(rank):
        size *= 2
    right = min(size, num_cols)
    left = min(size, num_rows, num_users * right)
    return left, min(right, num_users * left)

"""Which ranks the data support."""

import dataclasses
import math

import numpy as np

from colora_theory.checks import OwnData
from colora_theory.frames import Frame
from colora_theory.problem import Problem
from colora_theory.selection.criterion import information_criterion
from colora_theory.selection.paired import mean_with_error
from colora_theory.selection.samples import AbstractSamples, assign_folds, in_precision, samples_of
from colora_theory.selection.search import Rank, RankSearch, descend
from colora_theory.theory import degrees_of_freedom

# A lead of the criterion that counts as clear: odds of e^3 = 20 to 1.
_CLEAR = 6.0
# Below this N / DoF the criterion, which is a limit of many measurements, is not to be trusted.
_FEW = 2.0


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A rank that was tried.

    Attributes:
        rank: (r1, r2).
        unknowns: DoF.
        squares: RSS of the fit to all measurements.
        criterion: see `information_criterion`; smaller is better.
        error: mean squared held-out error of a measurement; None where it was not needed.
        standard_error: of `error` less the smallest one: of a difference over the same measurements; None likewise.
    """

    rank: Rank
    unknowns: int
    squares: float
    criterion: float
    error: float | None = None
    standard_error: float | None = None


@dataclasses.dataclass(frozen=True)
class RankSelection:
    """The rank that was chosen, and why.

    Attributes:
        rank: (r1, r2).
        by_criterion: the rank of the smallest information criterion.
        by_validation: of those whose held-out error is within one standard error of the smallest, the rank with fewest
            unknowns.
        candidates: all that were tried, by rising number of unknowns.
        baseline: mean squared error of a measurement if every user has W_0.
        measurements: N.
        folds: of the cross-validation.
        doubts: why the choice is unsure; empty if it is sure.
    """

    rank: Rank
    by_criterion: Rank
    by_validation: Rank
    candidates: tuple[Candidate, ...]
    baseline: float
    measurements: int
    folds: int
    doubts: tuple[str, ...]

    @property
    def sure(self) -> bool:
        """Whether nothing speaks against the choice."""
        return not self.doubts

    @property
    def chosen(self) -> Candidate:
        """The candidate of `rank`."""
        return next(each for each in self.candidates if each.rank == self.rank)

    @property
    def noise(self) -> float:
        """Standard deviation of a measurement, from the residuals of the chosen fit: sqrt(RSS / (N - DoF))."""
        return math.sqrt(self.chosen.squares / (self.measurements - self.chosen.unknowns))

    def summary(self) -> str:
        """The choice and its reason in one line."""
        told = f"rank {self.rank} of {len(self.candidates)} tried"
        if self.sure:
            return f"{told}: the information criterion and {self.folds}-fold cross-validation agree"
        return f"{told}, unsure: {'; '.join(self.doubts)}"


def select_rank(
    A: OwnData | Problem | AbstractSamples | Frame, y: OwnData | None = None, *, folds: int = 5, seed: int = 0
) -> RankSelection:
    """Chooses (r1, r2) by an information criterion, and checks the choice by cross-validation.

    Both walk from rank to neighbouring rank as long as that is better, the criterion from (1, 1), the cross-validation
    from where the criterion ended; ranks with as many unknowns as measurements, or cores with more than a user has
    measurements, are no candidates. Every fold holds out its share of each user's samples, and all fits share one
    compiled program. Of the two answers that of the criterion is taken; where they differ, the choice is unsure.

    Args:
        A: sensing matrices, shape (k, n, d1, d2), or a sequence over users of arrays (n_i, d1, d2); or a `Problem`,
            `OutputSamples`, or a pandas DataFrame, see `Problem.from_frame`.
        y: measurements, shape (k, n), or a sequence over users of arrays (n_i,); only with matrices.
        folds: of the cross-validation, from 2 to the smallest number of samples of a user.
        seed: of the folds.

    Raises:
        TypeError, ValueError: for bad data or folds, see `samples_of` and `assign_folds`; if all measurements are zero
            once W_0 is taken off; if not even rank 1 has fewer unknowns than measurements.
    """
    with in_precision(A, y):
        samples = samples_of(A, y)
        assigned = assign_folds(samples.present, folds, seed)
        return _select(samples, assigned)


def _select(samples: AbstractSamples, assigned: np.ndarray) -> RankSelection:
    search = RankSearch(samples, samples.present)
    tried = _Validation(samples, assigned)
    by_criterion = search.best()
    errors = tried.walk(by_criterion)
    candidates, by_validation = _table(search, tried, errors)
    null = information_criterion(max(float(search.baseline.sum()), search.floor), search.measurements, 0)
    doubts = _doubts(search, candidates, by_criterion, by_validation, null)
    baseline = float(search.baseline.sum()) / search.measurements
    folds = int(assigned.max()) + 1
    return RankSelection(
        by_criterion, by_criterion, by_validation, candidates, baseline, search.measurements, folds, doubts
    )


class _Validation:
    """Held-out errors of ranks, over the same folds for all."""

    def __init__(self, samples: AbstractSamples, assigned: np.ndarray):
        self.assigned, self._each = assigned, samples.measurements_each
        self._parts = [RankSearch(samples, (assigned >= 0) & (assigned != fold)) for fold in range(assigned.max() + 1)]
        self.held: dict[Rank, np.ndarray] = {}

    def allows(self, rank: Rank) -> bool:
        return all(part.bounds.allows(rank) for part in self._parts)

    def error(self, rank: Rank) -> float:
        if rank not in self.held:
            losses = [part.losses(rank) * (self.assigned == fold) for fold, part in enumerate(self._parts)]
            self.held[rank] = np.sum(losses, axis=0) / self._each
        return float(np.mean(self.held[rank], where=self.assigned >= 0))

    def walk(self, start: Rank) -> dict[Rank, float]:
        """Held-out errors of all ranks seen on the way down from one, or from the largest below it that is allowed."""
        while not self.allows(start):
            start = max(start[0] - 1, 1), max(start[1] - 1, 1)
        descend(self.error, start, self.allows)
        return {rank: self.error(rank) for rank in self.held}


def _table(search: RankSearch, tried: _Validation, errors: dict[Rank, float]) -> tuple[tuple[Candidate, ...], Rank]:
    """All candidates by their unknowns, and the rank that cross-validation takes."""
    for rank in errors:
        search.losses(rank)
    lowest = min(errors, key=lambda rank: errors[rank])
    floor = search.floor / search.measurements
    candidates = []
    for rank, squares in search.squares.items():
        error = spread = None
        if rank in errors:
            error = errors[rank]
            spread = mean_with_error(tried.held[rank] - tried.held[lowest], tried.assigned)[1]
        unknowns = degrees_of_freedom(*search.bounds.shape, rank)
        candidates.append(Candidate(rank, unknowns, squares, search.criterion(rank), error, spread))
    candidates.sort(key=lambda each: (each.unknowns, each.rank))
    limit = errors[lowest] + floor
    within = [
        each
        for each in candidates
        if each.error is not None and each.standard_error is not None and each.error <= limit + each.standard_error
    ]
    return tuple(candidates), within[0].rank


def _doubts(
    search: RankSearch, candidates: tuple[Candidate, ...], by_criterion: Rank, by_validation: Rank, null: float
) -> tuple[str, ...]:
    chosen = next(each for each in candidates if each.rank == by_criterion)
    doubts = []
    if chosen.criterion >= null:
        doubts.append("no signal: W_0 alone explains the measurements as well as any rank, so the lowest one is given")
    if by_validation != by_criterion:
        doubts.append(f"cross-validation prefers rank {by_validation}")
    rivals = [each for each in candidates if each.rank != by_criterion]
    if rivals:
        second = min(rivals, key=lambda each: each.criterion)
        if second.criterion - chosen.criterion < _CLEAR:
            doubts.append(f"rank {second.rank} is nearly as likely")
    if search.measurements < _FEW * chosen.unknowns:
        doubts.append(
            f"{search.measurements} measurements are less than {_FEW:g} for each of {chosen.unknowns} unknowns"
        )
    r1, r2 = by_criterion
    # A single user has both ranks equal: then the next one is a step on both sides.
    higher = [rank for rank in ((r1 + 1, r2), (r1, r2 + 1)) if search.bounds.possible(rank)] or [(r1 + 1, r2 + 1)]
    if any(search.bounds.possible(rank) and not search.bounds.allows(rank) for rank in higher):
        doubts.append("higher ranks have too many unknowns for these measurements to be tried")
    return tuple(doubts)

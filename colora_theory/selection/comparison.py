"""Should the users share? Held-out errors of each alone, of one matrix for all, and of shared subspaces."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from colora_theory.checks import OwnData
from colora_theory.frames import Frame
from colora_theory.problem import Problem
from colora_theory.selection.apart import alone_fits, held_out, pooled_fits
from colora_theory.selection.paired import cell_sums, interval_of_ratio
from colora_theory.selection.samples import AbstractSamples, assign_folds, in_precision, samples_of
from colora_theory.selection.search import RankSearch

METHODS = ("shared", "alone", "pooled")
UNCLEAR = "unclear"
_FEWEST_FOLDS = 3
# Losses below this share of a user's mean square are rounding.
_EXACT = 1e-12
_NAMES = {"shared": "shared subspaces", "alone": "each user alone", "pooled": "one model for all"}


@dataclasses.dataclass(frozen=True)
class Gain:
    """By how much one method lowers the mean squared held-out error of another: 1 - new / old, and its 95% interval."""

    estimate: float
    lower: float
    upper: float

    @property
    def sign(self) -> int:
        """1 if the whole interval is above zero, -1 if it is below, 0 if it has zero in it."""
        return int(self.lower > 0) - int(self.upper < 0)

    def __str__(self) -> str:
        # Gains of nearly all, 99.6%, need digits to be told from all.
        left = max(1 - self.estimate, _EXACT)
        digits = max(0, math.floor(-math.log10(left)) - 1)
        estimate, lower, upper = (f"{100 * each:.{digits}f}" for each in (self.estimate, self.lower, self.upper))
        return f"{estimate}% [{lower}, {upper}]"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What cross-validation says of sharing.

    Attributes:
        rank: (r1, r2) of the shared subspaces; with rank "auto", what the criterion takes for all samples, while each
            fold had the rank of its own training samples.
        errors: mean squared held-out error of a measurement for each user, shape (k,), under "shared", "alone",
            "pooled", and "frozen" for W_0.
        user_gains: of shared over alone, one for each user.
        user_verdicts: for each user the method that clearly has the smallest error, or "unclear".
        gains: of every method (first) over every other one, all users with equal weight, each in units of its own mean
            square.
        folds: of the cross-validation.
    """

    rank: tuple[int, int]
    errors: dict[str, Float[np.ndarray, " k"]]
    user_gains: tuple[Gain, ...]
    user_verdicts: tuple[str, ...]
    gains: dict[tuple[str, str], Gain]
    folds: int

    @property
    def verdict(self) -> str:
        """The method that is clearly better than both others for the users as a whole, or "unclear"."""
        return _winner(self.gains)

    def summary(self, names: Sequence[str] | None = None) -> str:
        """The answer in plain words, with the names of the users if they have any."""
        over_alone, verdict, users = self.gains["shared", "alone"], self.verdict, len(self.user_gains)
        if verdict == "pooled":
            return (
                f"Use one model for all: it lowers the held-out error by {self.gains['pooled', 'shared']} against "
                f"shared subspaces, and by {self.gains['pooled', 'alone']} against each user alone"
            )
        lower = sum(gain.estimate > 0 for gain in self.user_gains)
        if over_alone.estimate >= 0:
            told = f"sharing lowers the held-out error of {lower} of {users} users, on average by {over_alone}"
            told += _better_alone([str(user) if names is None else names[user] for user in self._worse()])
        else:
            told = (
                f"alone the held-out error of {users - lower} of {users} users is lower, on average by "
                f"{self.gains['alone', 'shared']}"
            )
        if verdict == UNCLEAR:
            return f"Unclear between {' and '.join(self._undecided())}: {told}"
        return f"{'Share' if verdict == 'shared' else 'Do not share'}: {told}"

    def _worse(self) -> list[int]:
        """Users who are clearly better off alone."""
        return [user for user, gain in enumerate(self.user_gains) if gain.sign < 0]

    def _undecided(self) -> list[str]:
        """Methods that no other one clearly beats."""
        unbeaten = [new for new in METHODS if not any(self.gains[old, new].sign > 0 for old in METHODS if old != new)]
        return [_NAMES[method] for method in unbeaten]


def compare(
    A: OwnData | Problem | AbstractSamples | Frame,
    y: OwnData | None = None,
    rank: int | tuple[int, int] | Literal["auto"] = "auto",
    *,
    folds: int = 5,
    seed: int = 0,
) -> Comparison:
    """Held-out errors of each user alone, of one matrix for all, and of shared subspaces, on the same folds.

    Every method chooses its rank on the samples it may see, those of the training folds: alone and pooled among W_0,
    ranks 1 to 4 and, alone, full least squares, by an inner cross-validation over the same folds; shared by
    `information_criterion`, unless a rank is given.

    Differences are paired: all methods predict the same samples. Intervals are at 95%, one at a time: for a user by
    Student's t over its samples, for all users by the delta method over the cells of users and folds, both with the
    variance raised for the overlap of training sets, see `paired.inflation`.

    Args:
        A: sensing matrices, shape (k, n, d1, d2), or a sequence over users of arrays (n_i, d1, d2); or a `Problem`,
            `OutputSamples`, or a pandas DataFrame, see `Problem.from_frame`.
        y: measurements, shape (k, n), or a sequence over users of arrays (n_i,); only with matrices.
        rank: of the shared subspaces, r or (r1, r2); "auto" to choose it.
        folds: from 3 to the smallest number of samples of a user.
        seed: of the folds.

    Raises:
        TypeError, ValueError: for bad data, an impossible rank or number of folds; for less than two users; for a user
            all of whose measurements are those of W_0.
    """
    with in_precision(A, y):
        samples = samples_of(A, y)
        return _compare(samples, rank, folds, seed)


def _compare(samples: AbstractSamples, rank: int | tuple[int, int] | str, folds: int, seed: int) -> Comparison:
    if len(samples.present) < 2:
        raise ValueError("1 user has nobody to share with: at least 2 are needed")
    if folds < _FEWEST_FOLDS:
        raise ValueError(
            f"folds {folds} is below {_FEWEST_FOLDS}: while one is held out, ranks are chosen between the others"
        )
    empty = np.flatnonzero(samples.num_samples == 0)
    if empty.size:
        raise ValueError(f"user {empty[0]} has 0 samples: leave it out, there is nothing to predict")
    assigned = assign_folds(samples.present, folds, seed)
    whole = RankSearch(samples, samples.present)
    scales = np.sum(whole.baseline, axis=1) / samples.num_samples
    if not scales.all():
        raise ValueError(
            f"all measurements of user {np.flatnonzero(scales == 0)[0]} are those of W_0 (zero without one): leave the "
            "user out"
        )
    fixed = None if isinstance(rank, str) else samples.train(samples.present).check_rank(rank)
    losses = {
        "shared": _shared_losses(samples, assigned, fixed),
        "alone": held_out(alone_fits(samples), assigned, together=False),
        "pooled": held_out(pooled_fits(samples), assigned, together=True),
    }
    floors = np.where(samples.present, _EXACT * scales[:, None], 0.0)
    losses = {name: values + floors for name, values in losses.items()}
    each = samples.num_samples * samples.measurements_each
    errors = {name: np.sum(values, axis=1) / each for name, values in losses.items()}
    errors["frozen"] = scales / samples.measurements_each
    cells = {name: _cells(values, scales, assigned) for name, values in losses.items()}
    pairs = list(itertools.permutations(METHODS, 2))
    own = [
        {(new, old): _gain(losses[new][user, here], losses[old][user, here], folds) for new, old in pairs}
        for user, here in enumerate(samples.present)
    ]
    return Comparison(
        whole.best() if fixed is None else fixed,
        errors,
        tuple(gains["shared", "alone"] for gains in own),
        tuple(map(_winner, own)),
        {(new, old): _gain(cells[new], cells[old], folds) for new, old in pairs},
        folds,
    )


def _shared_losses(
    samples: AbstractSamples, assigned: Int[np.ndarray, "k n"], rank: tuple[int, int] | None
) -> Float[np.ndarray, "k n"]:
    held = np.zeros(assigned.shape)
    for fold in range(assigned.max() + 1):
        search = RankSearch(samples, (assigned >= 0) & (assigned != fold))
        held += np.where(assigned == fold, search.losses(search.best() if rank is None else rank), 0.0)
    return held


def _cells(values: np.ndarray, scales: np.ndarray, assigned: np.ndarray) -> Float[np.ndarray, "k f"]:
    """Sums over user and fold, such that every user has the same weight."""
    counts = np.count_nonzero(assigned >= 0, axis=1)
    return cell_sums(values, assigned) / (scales * counts)[:, None]


def _gain(new: Float[np.ndarray, "..."], old: Float[np.ndarray, "..."], folds: int) -> Gain:
    """From losses of units that are taken as independent."""
    ratio, lower, upper = interval_of_ratio(np.ravel(new), np.ravel(old), folds)
    return Gain(1 - ratio, 1 - upper, 1 - lower)


def _winner(gains: Mapping[tuple[str, str], Gain]) -> str:
    """The method whose gains over both others are clear."""
    for method in METHODS:
        if all(gains[method, other].sign > 0 for other in METHODS if other != method):
            return method
    return UNCLEAR


def _better_alone(names: Sequence[str]) -> str:
    if not names:
        return ""
    told = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"; user{'s' if len(names) > 1 else ''} {told} {'are' if len(names) > 1 else 'is'} better off alone"

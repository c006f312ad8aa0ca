"""Which structure the data support: held-out errors of all, and the smallest one that none clearly beats."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from colora_theory import structures
from colora_theory.checks import OwnData
from colora_theory.frames import Frame
from colora_theory.problem import Problem
from colora_theory.selection.paired import cell_sums, inflation, mean_with_error
from colora_theory.selection.samples import AbstractSamples, assign_folds, in_precision, samples_of
from colora_theory.structures import AbstractStructure
from colora_theory.structures.base import check_sizes

# Losses below this share of the mean square are rounding.
_EXACT = 1e-12
# Held-out errors would not change by one in a thousand.
_GRADIENT_TOL = 1e-6
_UNRANKED = structures.DepthwisePointwise()


@dataclasses.dataclass(frozen=True)
class StructureCandidate:
    """One structure on the held-out samples.

    Attributes:
        name: as it was given.
        structure: what was fitted.
        unknowns: its degrees of freedom.
        error: mean squared held-out error of a measurement; NaN if it was not fitted.
        standard_error: of that mean.
        behind: mean of error minus that of the best candidate, sample by sample.
        behind_error: standard error of this difference, raised for the overlap of training sets.
        reason: why it was not fitted; empty if it was.
    """

    name: str
    structure: AbstractStructure
    unknowns: int
    error: float = math.nan
    standard_error: float = math.nan
    behind: float = math.nan
    behind_error: float = math.nan
    reason: str = ""

    @property
    def fitted(self) -> bool:
        """Whether there were enough samples to fit it."""
        return not self.reason


@dataclasses.dataclass(frozen=True)
class StructureChoice:
    """What cross-validation says of structures.

    Attributes:
        candidates: by unknowns, those that were not fitted last.
        chosen: name of the smallest one whose error is within one standard error of the least.
        best: name of the one with the least error.
        folds: of the cross-validation.
    """

    candidates: tuple[StructureCandidate, ...]
    chosen: str
    best: str
    folds: int

    @property
    def structure(self) -> AbstractStructure:
        """The one that was chosen."""
        return self[self.chosen].structure

    def __getitem__(self, name: str) -> StructureCandidate:
        return next(each for each in self.candidates if each.name == name)

    @property
    def sure(self) -> bool:
        """Whether every smaller one errs by more than two standard errors more than the best."""
        smaller = [each for each in self.candidates if each.fitted and each.unknowns < self[self.chosen].unknowns]
        return all(each.behind > 2 * each.behind_error for each in smaller)

    def summary(self) -> str:
        """The answer in plain words."""
        chosen, best = self[self.chosen], self[self.best]
        told = f"{self.chosen} ({chosen.unknowns} unknowns) has the least held-out error, {chosen.error:.3g}"
        if chosen is not best:
            told = (
                f"{self.chosen} ({chosen.unknowns} unknowns): its held-out error {chosen.error:.3g} is within one "
                f"standard error of the least, {best.error:.3g} of {self.best} ({best.unknowns})"
            )
        left = [each.name for each in self.candidates if not each.fitted]
        told += "" if self.sure else "; not sure, a smaller one is not clearly worse"
        return told + (f"; too few samples for {', '.join(left)}" if left else "")


def default_structures(
    shape: tuple[int, int, int], rank: int | Sequence[int], times: tuple[float, ...] | None = None
) -> dict[str, AbstractStructure]:
    """Every structure that weights of a shape can have at a rank, by name.

    Args:
        shape: (num_users, num_rows, num_cols).
        rank: of adapters and of what is shared; mixtures are of two components, personal parts of additive ones of rank
            one. Of several ranks, names tell which. Rank one has neither diagonal nor scalar cores of its own: shared
            subspaces are the same.
        times: a number for each user that cores may depend on smoothly; without it `Smooth` is left out.

    Raises:
        ValueError: for a rank that no matrix of the shape has.
    """
    if not isinstance(rank, int):
        by_rank = {each: default_structures(shape, each, times) for each in rank}
        named = [(name, each, own) for each, offered in by_rank.items() for name, own in offered.items()]
        return {name if own == _UNRANKED else f"{name}, rank {each}": own for name, each, own in named}
    check_sizes(shape, rank=rank)
    found: dict[str, AbstractStructure] = {
        "shared_both": structures.SharedBoth((rank, rank)),
        "shared_right": structures.SharedRight(rank),
        "shared_left": structures.SharedLeft(rank),
        "additive": structures.Additive(rank, 1),
        "mixture": structures.Mixture(2, rank),
        "depthwise_pointwise": _UNRANKED,
        "alone": structures.Alone(rank),
        "pooled": structures.Pooled(shape[0], rank),
    }
    if rank > 1:
        found |= {"diagonal_cores": structures.DiagonalCores(rank), "scalar_cores": structures.ScalarCores(rank)}
    if times is not None:
        found["smooth"] = structures.Smooth((rank, rank), times, min(3, shape[0]))
    return {name: each for name, each in found.items() if _fits(each, shape)}


def choose_structure(
    A: OwnData | Problem | AbstractSamples | Frame,
    y: OwnData | None = None,
    candidates: Mapping[str, AbstractStructure] | int | Sequence[int] = 2,
    *,
    folds: int = 5,
    seed: int = 0,
) -> StructureChoice:
    """Chooses among structures by the error on held-out samples.

    Every candidate is fitted to all samples from several starts, see `structures.fit`, and to those outside of each
    fold from there. Differences are paired: all candidates predict the same samples. Chosen is the smallest one within
    one standard error of the least error (Breiman, Friedman, Olshen and Stone 1984), for a larger structure that holds
    the truth predicts nearly as well.

    Args:
        A: sensing matrices, shape (k, n, d1, d2), or a sequence over users of arrays (n_i, d1, d2); or a `Problem`, or
            `OutputSamples`, or a pandas DataFrame, see `Problem.from_frame`.
        y: measurements, shape (k, n), or a sequence over users of arrays (n_i,); only with matrices.
        candidates: structures by name; or a rank or several, see `default_structures`.
        folds: from 2 to the smallest number of samples of a user.
        seed: of the folds and of the starts.

    Raises:
        TypeError, ValueError: for bad data or an impossible number of folds; for no candidates, one that weights of
            this shape cannot have, or none with fewer unknowns than measurements outside of a fold.
    """
    with in_precision(A, y):
        samples = samples_of(A, y)
        problem = samples.train(samples.present)
        shape = problem.sensing.weights_shape
        if not isinstance(candidates, Mapping):
            candidates = default_structures(shape, candidates)
        if not candidates:
            raise ValueError("0 candidates: at least 1 is needed")
        assigned = assign_folds(samples.present, folds, seed)
        counted = [(each.degrees_of_freedom(shape), name, each) for name, each in candidates.items()]
        held = int(np.bincount(assigned[assigned >= 0]).max()) * samples.measurements_each
        most = samples.num_measurements - held
        losses = {
            name: _held_out(samples, assigned, each, seed) for unknowns, name, each in counted if unknowns <= most
        }
        if not losses:
            least = min(counted)[0]
            raise ValueError(
                f"{most} measurements outside of a fold do not determine the {least} unknowns of the smallest "
                "candidate: take more samples or a smaller rank"
            )
        return _choice(counted, losses, assigned, samples, most, folds)


def _choice(
    counted: list[tuple[int, str, AbstractStructure]],
    losses: dict[str, Float[np.ndarray, "k n"]],
    assigned: Int[np.ndarray, "k n"],
    samples: AbstractSamples,
    most: int,
    folds: int,
) -> StructureChoice:
    best = min(losses, key=lambda name: float(losses[name].sum()))
    found = []
    for unknowns, name, structure in sorted(counted, key=lambda each: (each[1] not in losses, each[0])):
        candidate = StructureCandidate(name, structure, unknowns)
        if name not in losses:
            reason = f"{unknowns} unknowns, {most} measurements outside of a fold"
            found.append(dataclasses.replace(candidate, reason=reason))
            continue
        mean, error = mean_with_error(losses[name], assigned)
        behind, behind_error = _difference(losses[name] - losses[best], assigned)
        each, wider = samples.measurements_each, math.sqrt(inflation(folds))
        found.append(
            dataclasses.replace(
                candidate,
                error=mean / each,
                standard_error=error / each,
                behind=behind / each,
                behind_error=behind_error * wider / each,
            )
        )
    chosen = next(each for each in found if each.fitted and each.behind <= each.behind_error)
    return StructureChoice(tuple(found), chosen.name, best, folds)


def _held_out(
    samples: AbstractSamples, assigned: Int[np.ndarray, "k n"], structure: AbstractStructure, seed: int
) -> Float[np.ndarray, "k n"]:
    """Squared errors of every sample, predicted from the samples outside of its fold."""
    whole = structures.fit(samples.train(samples.present), structure, seed=seed, gradient_tol=_GRADIENT_TOL)
    scale = float(np.sum(samples.losses(np.zeros_like(whole.weights)))) / np.count_nonzero(samples.present)
    losses = np.where(samples.present, _EXACT * scale, 0.0)
    for fold in range(assigned.max() + 1):
        training = samples.train((assigned >= 0) & (assigned != fold))
        fit = structures.fit(training, structure, gradient_tol=_GRADIENT_TOL, begin=whole.parameters)
        adapters = structure.compose(fit.parameters)
        losses += np.where(assigned == fold, samples.losses(adapters), 0.0)
    return losses


def _difference(values: Float[np.ndarray, "k n"], assigned: Int[np.ndarray, "k n"]) -> tuple[float, float]:
    """The mean of a difference, and its standard error over the users' cells; that of no difference is zero."""
    if not values.any():
        return 0.0, 0.0
    cells = cell_sums(values, assigned)
    count = int(np.count_nonzero(assigned >= 0))
    spread = float(np.sum(np.square(cells - cells.mean()))) * cells.size / (cells.size - 1)
    return float(values.sum()) / count, math.sqrt(spread) / count


def _fits(structure: AbstractStructure, shape: tuple[int, int, int]) -> bool:
    try:
        structure.check(shape)
    except ValueError:
        return False
    return True

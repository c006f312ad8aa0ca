"""How many samples: from sizes, noise and a target to the samples of a user, and what limits them."""

import dataclasses
import math
from collections.abc import Callable

import jax
import numpy as np
import scipy.special
from jaxtyping import PRNGKeyArray

from colora_theory.synthetic import TaskFamily
from colora_theory.theory.counting import degrees_of_freedom, necessary_samples
from colora_theory.theory.laws import noise_law

# N / DoF at which `fit` recovers nearly every draw: measured, see docs/theory.md.
_SOLVABLE = 1.4
# By how much least squares exceeds the law of the noise, over (DoF / N)^2: measured, see docs/theory.md.
_EXCESS = 0.5
_LARGEST = 10**9


@dataclasses.dataclass(frozen=True)
class Plan:
    """A recommended number of samples.

    Attributes:
        num_samples: samples of each user.
        limited_by: which need is the largest: "counting", "start" or "noise".
        needs: samples of each user that each of the three asks for. counting: as many measurements as unknowns, without
            which no method can succeed; start: as many as our solvers need to find the minimum (measured); noise: as
            many as the error law asks for.
        oversampling: N / DoF there.
        predicted_error: relative error expected there.
        predicted_share: share of draws that the noise lets reach the target there.
    """

    num_samples: int
    limited_by: str
    needs: dict[str, int]
    oversampling: float
    predicted_error: float
    predicted_share: float


def plan(
    family: TaskFamily,
    *,
    target: float,
    noise: float = 0.0,
    probability: float = 0.9,
    key: PRNGKeyArray | None = None,
    draws: int = 64,
) -> Plan:
    """The smallest number of samples per user that is predicted to reach a target error.

    Args:
        family: the tasks: sizes, rank, similarity, condition number. Its subspaces must be shared.
        target: relative error to reach, in (0, 1).
        noise: sigma, standard deviation of a measurement, for a design of unit variance.
        probability: share of draws that shall reach it, in (0, 1).
        key: randomness of the truths that are averaged over.
        draws: how many.

    Raises:
        ValueError: for numbers out of these ranges, or a family with a misalignment.
    """
    _check_open("probability", probability)
    law = _ErrorLaw.of(family, target, noise, key, draws)
    sizes = family.num_users, family.num_rows, family.num_cols
    counting = necessary_samples(*sizes, family.rank)
    # A user's own core needs spare samples, too: the law is infinite with less than two.
    start = max(math.ceil(_SOLVABLE * law.dof / family.num_users), math.prod(family.rank) + 2)
    needs = {
        "counting": counting,
        "start": start,
        "noise": _smallest(lambda num_samples: law.share(num_samples) >= probability, counting),
    }
    num_samples = max(needs.values())
    limited_by = max(("noise", "start", "counting"), key=lambda name: needs[name])
    return Plan(
        num_samples,
        limited_by,
        needs,
        num_samples * family.num_users / law.dof,
        float(np.sqrt(np.median(law.squared_errors(num_samples)))),
        law.share(num_samples),
    )


def reaching_share(
    family: TaskFamily,
    num_samples: int,
    *,
    target: float,
    noise: float,
    key: PRNGKeyArray | None = None,
    draws: int = 64,
) -> float:
    """The share of draws whose relative error the noise lets be at most the target; 1 without noise.

    The squared relative error of a draw, sum_i ||W^_i - W_i||^2 / sum_i ||W_i||^2, is taken as `noise_law` over the
    energy of its truth, times a chi-squared variable over its mean with DoF (1 - DoF / N) degrees of freedom: so many
    equal ones fluctuate as much as the DoF unequal components of the error do (Marchenko and Pastur); and times
    1 + (DoF / N)^2 / 2, what least squares was measured to exceed the law by. Averaged over truths of the family; 0
    where the law is infinite. Whether a solver finds the minimum is another question: see `plan`.

    Args:
        family: see `plan`.
        num_samples: samples of each user, at least 1.
        target: see `plan`.
        noise: see `plan`.
        key: see `plan`.
        draws: see `plan`.

    Raises:
        ValueError: see `plan`, and for fewer samples.
    """
    if num_samples < 1:
        raise ValueError(f"num_samples {num_samples} is below 1")
    return _ErrorLaw.of(family, target, noise, key, draws).share(num_samples)


@dataclasses.dataclass(frozen=True)
class _ErrorLaw:
    """The distribution of the relative error over truths and noise.

    Attributes:
        cores: of the truths, shape (draws, num_users, r1, r2).
        sizes: (d1, d2).
        dof: DoF.
        target: relative error to reach.
        noise: sigma.
    """

    cores: np.ndarray
    sizes: tuple[int, int]
    dof: int
    target: float
    noise: float

    @classmethod
    def of(cls, family: TaskFamily, target: float, noise: float, key: PRNGKeyArray | None, draws: int) -> "_ErrorLaw":
        _check_open("target", target)
        if not (noise >= 0 and noise * noise < math.inf):
            raise ValueError(f"noise {noise} must be at least 0, and its square finite")
        if family.misalignment is not None:
            raise ValueError(f"misalignment {family.misalignment}: a plan is for shared subspaces, see transfer_errors")
        sizes = family.num_rows, family.num_cols
        keys = jax.random.split(jax.random.key(0) if key is None else key, draws)
        cores = np.stack([np.asarray(family.sample_truth(each).cores) for each in keys])
        return cls(cores, sizes, degrees_of_freedom(family.num_users, *sizes, family.rank), target, noise)

    def squared_errors(self, num_samples: int) -> np.ndarray:
        """Expected squared relative errors of the truths, shape (draws,)."""
        laws = [noise_law(each, *self.sizes, num_samples, self.noise).sum() for each in self.cores]
        return np.array(laws) / np.sum(self.cores**2, axis=(1, 2, 3))

    def share(self, num_samples: int) -> float:
        """The share of draws that reach the target."""
        if self.noise == 0:
            return 1.0
        per_sample = self.dof / (num_samples * self.cores.shape[1])
        freedom = self.dof * (1 - per_sample)
        if freedom <= 0:
            return 0.0
        errors = self.squared_errors(num_samples) * (1 + _EXCESS * per_sample**2)
        # Squares of errors can be too small for a number: the quotient is then infinite, and the draw reaches it.
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return float(np.mean(scipy.special.chdtr(freedom, self.target**2 / errors * freedom)))


def _check_open(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} {value} is outside (0, 1)")


def _smallest(reached: Callable[[int], bool], low: int) -> int:
    """The smallest integer from `low` on at which a condition that stays true becomes true, by doubling and halving."""
    if reached(low):
        return low
    high = 2 * low
    while not reached(high):
        low, high = high, 2 * high
        if high > _LARGEST:
            raise ValueError(f"more than {_LARGEST:.0e} samples of each user would be needed")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high

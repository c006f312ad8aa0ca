"""How many samples: from sizes, noise and a target to the samples of a user, and what limits them."""

import dataclasses
import math
from collections.abc import Callable

import jax
import numpy as np
import scipy.stats
from jaxtyping import PRNGKeyArray

from colora_theory.synthetic import TaskFamily
from colora_theory.theory.counting import degrees_of_freedom, necessary_samples
from colora_theory.theory.laws import noise_law

# N / DoF at which `fit` recovers nearly every draw: measured, see docs/theory.md.
_SOLVABLE = 1.4
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
    """

    num_samples: int
    limited_by: str
    needs: dict[str, int]
    oversampling: float
    predicted_error: float


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

    The relative error of a draw is sqrt(sum_i ||W^_i - W_i||^2 / sum_i ||W_i||^2); its squared numerator is taken as
    `noise_law` times a chi-squared variable with DoF degrees of freedom over DoF.

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
    for name, value in (("target", target), ("probability", probability)):
        if not 0 < value < 1:
            raise ValueError(f"{name} {value} is outside (0, 1)")
    if noise < 0:
        raise ValueError(f"noise {noise} is below 0")
    if family.misalignment is not None:
        raise ValueError(f"misalignment {family.misalignment}: a plan is for shared subspaces, see transfer_errors")
    sizes = family.num_users, family.num_rows, family.num_cols
    dof = degrees_of_freedom(*sizes, family.rank)
    keys = jax.random.split(jax.random.key(0) if key is None else key, draws)
    cores = [np.asarray(family.sample_truth(each).cores) for each in keys]
    energies = np.array([np.sum(each**2) for each in cores])

    def squared_errors(num_samples: int) -> np.ndarray:
        """Expected squared relative errors of the truths."""
        laws = [noise_law(each, *sizes[1:], num_samples, noise).sum() for each in cores]
        return np.array(laws) / energies

    fluctuation = scipy.stats.chi2.ppf(probability, dof) / dof

    def reached(num_samples: int) -> bool:
        return bool(np.quantile(squared_errors(num_samples), probability, method="higher") * fluctuation <= target**2)

    counting = necessary_samples(*sizes, family.rank)
    # A user's own core needs spare samples, too: the law is infinite with less than two.
    start = max(math.ceil(_SOLVABLE * dof / family.num_users), math.prod(family.rank) + 2)
    needs = {"counting": counting, "start": start, "noise": _smallest(reached, counting) if noise > 0 else counting}
    num_samples = max(needs.values())
    limited_by = max(("noise", "start", "counting"), key=lambda name: needs[name])
    return Plan(
        num_samples,
        limited_by,
        needs,
        num_samples * family.num_users / dof,
        float(np.sqrt(np.median(squared_errors(num_samples)))),
    )


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

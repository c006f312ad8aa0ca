"""A plan as a table for the terminal, and the curves on which it lies."""

import dataclasses
from typing import Any

import numpy as np
from rich.table import Table

from colora_theory import TaskFamily
from colora_theory.experiments.errors import shown
from colora_theory.theory import Plan, plan

# Truths that a plan averages over, and numbers of the largest array of them: fewer truths where they are large.
_DRAWS, _MOST_NUMBERS = 64, 2 * 10**7
# Where the points of a curve are, relative to what was asked for.
_FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
_LOOSEST = 0.9
_REASONS = {
    "counting": "as many measurements as unknowns: below, no method can succeed",
    "start": "our solvers find the minimum in nearly every draw (measured)",
    "noise": "the law of the noise reaches the target",
}


@dataclasses.dataclass(frozen=True)
class Specification:
    """What a plan has to meet.

    Attributes:
        family: whose truths shall be recovered.
        target: relative error to reach, in (0, 1).
        noise: standard deviation of a measurement.
        probability: share of draws that shall reach it.
    """

    family: TaskFamily
    target: float
    noise: float
    probability: float

    def planned(self) -> Plan:
        """The answer of `theory.plan`.

        Raises:
            ValueError: see there; and for sizes whose truths would fill the memory.
        """
        return plan(
            self.family,
            target=self.target,
            noise=self.noise,
            probability=self.probability,
            draws=_draws(self.family),
        )

    def for_users(self, num_users: int) -> "Specification":
        """The same for another number of users."""
        return dataclasses.replace(self, family=dataclasses.replace(self.family, num_users=num_users))


def make(specification: Specification) -> dict[str, Any]:
    """What was asked for, and what `theory.plan` answers: the largest of its needs is the recommendation.

    Raises:
        ValueError: see `Specification.planned`.
    """
    found = specification.planned()
    return {
        "num_users": specification.family.num_users,
        "target": specification.target,
        "probability": specification.probability,
        "num_samples": found.num_samples,
        "limited_by": found.limited_by,
        "oversampling": found.oversampling,
        "predicted_error": found.predicted_error,
        "needs": found.needs,
    }


def plan_table(made: dict[str, Any]) -> Table:
    """A plan of `make`, for the terminal."""
    table = Table(
        title=f"{made['num_samples']} samples for each of {made['num_users']} users, limited by {made['limited_by']}",
        caption=(
            f"N / DoF = {made['oversampling']:.3g}; expected relative error {made['predicted_error']:.2g}; "
            f"target {made['target']:g} in {made['probability']:.0%} of draws"
        ),
    )
    for column in ("need", "samples", "why"):
        table.add_column(column, justify="right" if column == "samples" else "left")
    for name, samples in made["needs"].items():
        table.add_row(name, str(samples), _REASONS[name])
    return table


def plan_curves(specification: Specification) -> dict[str, Any]:
    """The needs of `theory.plan` along the number of users and along the target, both around those that were asked for.

    Returns:
        `users` and `targets`, each a pair of the values and the needs by name there; without noise there is no need of
        that name. `num_users`, `target` and `num_samples`, where the plan stands.

    Raises:
        ValueError: see `make`.
    """
    num_users, (r1, r2), target = specification.family.num_users, specification.family.rank, specification.target
    # Fewer users than this could not span the subspaces.
    fewest = max(-(-r1 // r2), -(-r2 // r1))
    users = sorted({max(fewest, round(num_users * factor)) for factor in _FACTORS})
    targets = sorted({min(target * factor, _LOOSEST) for factor in _FACTORS} | {target})
    names = [name for name in _REASONS if name != "noise" or specification.noise > 0]

    def curve(plans: list[Plan]) -> dict[str, np.ndarray]:
        return {name: np.array([each.needs[name] for each in plans]) for name in names}

    return {
        "users": (np.array(users), curve([specification.for_users(each).planned() for each in users])),
        "targets": (
            np.array(targets),
            curve([dataclasses.replace(specification, target=each).planned() for each in targets]),
        ),
        "num_users": num_users,
        "target": target,
        "num_samples": specification.planned().num_samples,
    }


def _draws(family: TaskFamily) -> int:
    """How many truths are averaged over: fewer where they are large."""
    r1, r2 = family.rank
    largest = max(family.num_users * r1 * r2, family.num_rows * r1, family.num_cols * r2)
    if largest > _MOST_NUMBERS:
        raise ValueError(f"cores or a subspace of {shown(largest)} numbers: a plan draws at most {_MOST_NUMBERS}")
    return min(_DRAWS, _MOST_NUMBERS // largest)

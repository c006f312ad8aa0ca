"""What a sweep of the family can fit: adding one is one entry in a module that is gathered here."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.truths import STRUCTURES
from colora_theory.experiments.methods import LOOSE_GRADIENT
from colora_theory.structures import AbstractStructure

# The status of a fit whose unknowns are more than the data.
UNDETERMINED = "UNDETERMINED"


class Found(NamedTuple):
    """What a fit gave.

    Attributes:
        weights: the users' weights, shape (k, d1, d2); None if there are none.
        status_name: of a `Status`, or UNDETERMINED.
        steps: of the solver.
        unknowns: degrees of freedom of what was fitted; None where they are not counted.
        measured: other columns of the table.
    """

    weights: np.ndarray | None
    status_name: str
    steps: int | None = None
    unknowns: int | None = None
    measured: Mapping[str, Any] = {}


Fit = Callable[[FamilyInstance, FamilyDraw, PRNGKeyArray], Found]


def by_structure(
    structure_of: Callable[[FamilyDraw], AbstractStructure],
    instance: FamilyInstance,
    draw: FamilyDraw,
    key: PRNGKeyArray,
) -> Found:
    """Least squares, see `structures.fit`."""
    structure = structure_of(draw)
    unknowns = structure.degrees_of_freedom(draw.shape)
    if unknowns > instance.problem.targets.size:
        return Found(None, UNDETERMINED, unknowns=unknowns)
    seed = int(jax.random.randint(key, (), 0, 2**31 - 1))
    found = ct.structures.fit(instance.problem, structure, seed=seed, gradient_tol=LOOSE_GRADIENT)
    status = ct.Status(int(found.status)).name
    return Found(np.asarray(found.weights), status, int(found.num_steps), unknowns)


FITS: dict[str, Fit] = {
    name: functools.partial(by_structure, structure_of) for name, structure_of in STRUCTURES.items()
}

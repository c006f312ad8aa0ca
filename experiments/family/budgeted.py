"""One budget of ranks for three layers: allotted by contributions, evenly, or as in the truth."""

import functools
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import Fit, Found, by_structure
from colora_theory.experiments.family.truths import Truth, of_structure
from colora_theory.structures import AbstractStructure

RANKS = (1, 1, 4)
LARGER = (4, 4, 4)


def _true(draw: FamilyDraw) -> AbstractStructure:
    return ct.structures.Budgeted(RANKS)


def _larger(draw: FamilyDraw) -> AbstractStructure:
    return ct.structures.Budgeted(LARGER)


def _evenly(draw: FamilyDraw) -> AbstractStructure:
    return ct.structures.Budgeted(ct.structures.allot_evenly(draw.shape, len(RANKS), sum(RANKS)))


def _contributing(
    estimate: Callable[[FamilyInstance, FamilyDraw, PRNGKeyArray], np.ndarray | None],
    instance: FamilyInstance,
    draw: FamilyDraw,
    key: PRNGKeyArray,
) -> Found:
    """Ranks by what the layers contribute to a first estimate, then a fit of these."""
    first_key, fit_key = jax.random.split(key)
    weights = estimate(instance, draw, first_key)
    if weights is None:
        return by_structure(_larger, instance, draw, fit_key)
    ranks = ct.structures.allot(weights, len(RANKS), sum(RANKS))
    found = by_structure(lambda _: ct.structures.Budgeted(ranks), instance, draw, fit_key)
    return found._replace(measured={"chosen": " ".join(map(str, ranks))})


def _moments(instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> np.ndarray | None:
    return np.asarray(instance.problem.moments())


def _fitted(instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> np.ndarray | None:
    return by_structure(_larger, instance, draw, key).weights


TRUTHS: dict[str, Truth] = {"budgeted": of_structure(_true)}
FITS: dict[str, Fit] = {
    "budgeted_oracle": functools.partial(by_structure, _true),
    "budgeted_by_moments": functools.partial(_contributing, _moments),
    "budgeted_by_fit": functools.partial(_contributing, _fitted),
    "budgeted_evenly": functools.partial(by_structure, _evenly),
}

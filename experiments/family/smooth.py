"""Cores that follow a known parameter: what is predicted between the users' values of it."""

import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import Fit, Found, by_structure
from colora_theory.experiments.family.truths import STRUCTURES


def polynomials(draw: FamilyDraw) -> np.ndarray:
    """Weights in the middle of every two neighbours from those of all users, by the polynomials of the truth."""
    structure = STRUCTURES["smooth"](draw)
    assert isinstance(structure, ct.structures.Smooth)
    return structure.basis(_middles(structure.times)) @ np.linalg.pinv(structure.basis(structure.times))


def lines(draw: FamilyDraw) -> np.ndarray:
    """The same by the mean of the two neighbours."""
    return np.array([_middles(row) for row in np.eye(draw.num_users)]).T


def _middles(values: np.ndarray | tuple[float, ...]) -> np.ndarray:
    return np.convolve(values, [0.5, 0.5], "valid")


def _between(
    fitted: str, path: Callable[[FamilyDraw], np.ndarray], instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray
) -> Found:
    """A structure's fit, and its squared error in the middle of every two neighbours."""
    found = by_structure(STRUCTURES[fitted], instance, draw, key)
    if found.weights is None:
        return found
    truth = np.tensordot(polynomials(draw), instance.weights, 1)
    predicted = np.tensordot(path(draw), found.weights, 1)
    return found._replace(measured={"unseen_error": np.mean(np.sum((predicted - truth) ** 2, (1, 2)))})


FITS: dict[str, Fit] = {
    "smooth_between": functools.partial(_between, "smooth", polynomials),
    "shared_both_between": functools.partial(_between, "shared_both", lines),
}

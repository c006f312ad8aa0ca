"""The truths that a sweep of the family can name: adding one is one entry in a module that is gathered here."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.structures import AbstractStructure, Parameters


class Truth(NamedTuple):
    """What is drawn.

    Attributes:
        unknowns: degrees of freedom of a draw.
        sample: from a key and a draw to data with their truth.
        level: what the draw's level is; empty if it has none.
    """

    unknowns: Callable[[FamilyDraw], int]
    sample: Callable[[PRNGKeyArray, FamilyDraw], FamilyInstance]
    level: str = ""


def of_structure(structure_of: Callable[[FamilyDraw], AbstractStructure], level: str = "") -> Truth:
    """A generic point of a structure, measured by dense matrices with standard normal entries."""

    def sample(key: PRNGKeyArray, draw: FamilyDraw) -> FamilyInstance:
        truth_key, data_key = jax.random.split(key)
        structure = structure_of(draw)
        parameters = structure.sample(truth_key, draw.shape)
        return measured(data_key, draw, structure, parameters)

    return Truth(lambda draw: structure_of(draw).degrees_of_freedom(draw.shape), sample, level)


def measured(
    key: PRNGKeyArray, draw: FamilyDraw, structure: AbstractStructure, parameters: Parameters
) -> FamilyInstance:
    """Data of a point of a structure."""
    weights = jnp.asarray(structure.compose(parameters))
    problem, sigma = dense_data(key, draw, weights)
    everybody = np.ones(draw.num_users, bool)
    return FamilyInstance(problem, np.asarray(weights), sigma, everybody, structure, parameters)


def dense_data(key: PRNGKeyArray, draw: FamilyDraw, weights: jax.Array) -> tuple[ct.Problem, float]:
    """Measurements of weights by dense standard normal matrices, and the standard deviation of their noise.

    The mean square of such a measurement of W_i is ||W_i||_F^2; the noise is relative to the root of its mean.
    """
    design_key, noise_key = jax.random.split(key)
    sigma = draw.noise * float(jnp.sqrt(jnp.mean(jnp.sum(jnp.square(weights), (1, 2)))))
    sensing = ct.designs.Gaussian().sample(
        design_key, draw.num_users, draw.num_samples, draw.num_rows, draw.num_cols, weights.dtype
    )
    clean = sensing(weights)
    targets = clean + sigma * jax.random.normal(noise_key, clean.shape, clean.dtype)
    return ct.Problem(sensing, targets, jnp.ones_like(targets)), sigma


def _times(draw: FamilyDraw) -> tuple[float, ...]:
    """Evenly spaced over [0, 1], one of each user."""
    return tuple(float(time) for time in np.linspace(0.0, 1.0, draw.num_users))


# Sizes for which all can be told apart at ten rows and nine columns.
STRUCTURES: dict[str, Callable[[FamilyDraw], AbstractStructure]] = {
    "shared_both": lambda draw: ct.structures.SharedBoth((2, 2)),
    "diagonal_cores": lambda draw: ct.structures.DiagonalCores(2),
    "scalar_cores": lambda draw: ct.structures.ScalarCores(2),
    "shared_right": lambda draw: ct.structures.SharedRight(2),
    "shared_left": lambda draw: ct.structures.SharedLeft(2),
    "additive": lambda draw: ct.structures.Additive(2, 1),
    "mixture": lambda draw: ct.structures.Mixture(2, 2),
    "smooth": lambda draw: ct.structures.Smooth((2, 2), _times(draw), 3),
    "depthwise_pointwise": lambda draw: ct.structures.DepthwisePointwise(),
    "alone": lambda draw: ct.structures.Alone(1),
    "pooled": lambda draw: ct.structures.Pooled(draw.num_users, 2),
}

TRUTHS: dict[str, Truth] = {name: of_structure(structure_of) for name, structure_of in STRUCTURES.items()}

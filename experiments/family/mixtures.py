"""Users who take one of few adapters, or mix them, and fits that assume the one or the other."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import Fit, by_structure
from colora_theory.experiments.family.truths import Truth, dense_data

COMPONENTS, RANK = 2, 2
_SIMPLEX = ct.structures.SimplexMixture(COMPONENTS, RANK)
_CLUSTERS = ct.structures.Clusters(COMPONENTS, RANK)


def _mixed(draw: FamilyDraw) -> int:
    """Users who mix."""
    assert draw.level is not None
    return round(draw.level * draw.num_users)


def _sample(key: PRNGKeyArray, draw: FamilyDraw) -> FamilyInstance:
    """A part of the users, the level, has shares drawn evenly from the simplex, the others one component each."""
    truth_key, chosen_key, data_key = jax.random.split(key, 3)
    parameters = _SIMPLEX.sample(truth_key, draw.shape)
    mixing = jax.random.permutation(chosen_key, jnp.arange(draw.num_users) < _mixed(draw))
    members = jax.nn.one_hot(jnp.arange(draw.num_users) % COMPONENTS, COMPONENTS)[:, :-1]
    shares = jnp.where(mixing[:, None], jnp.asarray(parameters["shares"]), members)
    weights = jnp.asarray(_SIMPLEX.compose(parameters | {"shares": shares}))
    problem, sigma = dense_data(data_key, draw, weights)
    return FamilyInstance(problem, np.asarray(weights), sigma, np.ones(draw.num_users, bool))


def _unknowns(draw: FamilyDraw) -> int:
    """The components, and the shares of those who mix."""
    return _CLUSTERS.degrees_of_freedom(draw.shape) + _mixed(draw) * (COMPONENTS - 1)


TRUTHS: dict[str, Truth] = {"mixing_users": Truth(_unknowns, _sample, "the part of the users who mix adapters")}
FITS: dict[str, Fit] = {
    "mixing_clusters": functools.partial(by_structure, lambda draw: _CLUSTERS),
    "mixing_simplex": functools.partial(by_structure, lambda draw: _SIMPLEX),
    # Which hold every mixture: each component has directions of its own.
    "mixing_colora": functools.partial(
        by_structure, lambda draw: ct.structures.SharedBoth((COMPONENTS * RANK, COMPONENTS * RANK))
    ),
}

"""What structures of few adapters have in common: how many there may be, where a fit begins, and which nobody uses."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import contract
from colora_theory.structures.base import Shape, check_sizes, random_subspaces
from colora_theory.structures.unfolding import user_directions

# A component of which every user takes less is used by nobody.
_UNUSED = 1e-6


def check_components(shape: Shape, num_components: int, rank: int) -> None:
    """That sizes, rank and number of components are positive, and neither of the two too large.

    Raises:
        ValueError: if not, naming what is out of its bounds.
    """
    check_sizes(shape, rank=rank)
    if not 1 <= num_components <= shape[0]:
        raise ValueError(f"num_components {num_components} is not in 1 .. num_users = {shape[0]}")


def sample_components(
    left_key: PRNGKeyArray, right_key: PRNGKeyArray, shape: Shape, num_components: int, rank: int
) -> tuple[Float[Array, "m d1 r"], Float[Array, "m d2 r"]]:
    """Generic factors: orthonormal left ones, standard normal right ones."""
    lefts = random_subspaces(left_key, num_components, shape[1], rank)
    return lefts, jax.random.normal(right_key, (num_components, shape[2], rank))


def distant_users(key: PRNGKeyArray, weights: Float[Array, "k d1 d2"], count: int) -> Array:
    """Users one after the other, each with a probability in proportion to its squared distance from those before.

    D. Arthur and S. Vassilvitskii, SODA 2007. Distances are taken in the `count` leading directions of the users.
    """
    directions = user_directions(weights, count)
    places = contract("km,kab,lm->lab", directions, weights, directions).reshape(len(weights), -1)
    chosen: list[Array] = []
    distance = jnp.ones(len(weights), weights.dtype)
    for own in jax.random.split(key, count):
        # Where all are met, any user will do.
        log = jnp.log(distance + jnp.finfo(weights.dtype).tiny)
        chosen.append(jax.random.categorical(own, log))
        nearer = jnp.sum(jnp.square(places - places[chosen[-1]][None]), axis=1)
        distance = nearer if len(chosen) == 1 else jnp.minimum(distance, nearer)
    return jnp.stack(chosen)


def unused_components(shares: Float[np.ndarray, "k m"]) -> tuple[str, ...]:
    """One sentence for all components that nobody uses; none if there are none."""
    unused = np.flatnonzero(np.max(shares, axis=0) < _UNUSED)
    if not unused.size:
        return ()
    named = ", ".join(map(str, unused))
    verb = "component {} is" if unused.size == 1 else "components {} are"
    rest = shares.shape[1] - unused.size
    return (f"{verb.format(named)} used by no user: the data say nothing of it. Fit again with num_components {rest}",)

"""Many independent problems of one shape."""

from collections.abc import Callable

import jax
from jaxtyping import PyTree


def map_lanes(function: Callable[..., PyTree], lanes: PyTree) -> PyTree:
    """`function` of every lane, a lane being one slice along the leading axis of every array.

    One after the other on a CPU, where a batch is no faster and an iterative method would wait for its slowest lane;
    together elsewhere.
    """
    width = len(jax.tree.leaves(lanes)[0])
    return jax.lax.map(function, lanes, batch_size=None if jax.default_backend() == "cpu" else width)

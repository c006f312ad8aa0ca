"""The largest curvature, by a power iteration that goes on from step to step."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

# From a generic direction the estimate is then within some percent of the largest eigenvalue, and one more
# iteration in each step keeps it there while the factors move.
_INITIAL_ITERATIONS = 20


class Curvature(eqx.Module):
    """An estimate, from below, of the largest eigenvalue of a positive semidefinite linear map on pytrees.

    Attributes:
        direction: the approximate eigenvector, of unit norm over all leaves.
        value: the estimate.
    """

    direction: PyTree
    value: Float[Array, ""]

    @classmethod
    def estimate(cls, gram: Callable[[Any], Any], generic: PyTree) -> "Curvature":
        """A first estimate, starting from a direction that is not orthogonal to the eigenvector."""
        curvature = cls(generic, jnp.zeros((), jax.tree.leaves(generic)[0].dtype))
        return jax.lax.fori_loop(0, _INITIAL_ITERATIONS, lambda _, current: current.refine(gram), curvature)

    def refine(self, gram: Callable[[Any], Any]) -> "Curvature":
        """One more power iteration, with a map that may have moved a little."""
        image = gram(self.direction)
        norm = tree_norm(image)
        # The zero map (all-zero data) keeps its direction, so that nothing becomes NaN later.
        direction = jax.tree.map(
            lambda new, old: jnp.where(norm == 0, old, new / jnp.where(norm == 0, 1.0, norm)), image, self.direction
        )
        return Curvature(direction, norm)


def tree_norm(tree: PyTree) -> Float[Array, ""]:
    """The Euclidean norm of all leaves together."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)))

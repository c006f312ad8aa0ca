"""The pooled spectral start."""

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart


class Pooled(AbstractStart):
    """Top singular vectors of the average moment matrix, users with their share of the total weight.

    Averages the noise over all users, but sees only what they have in common: it needs a mean core that is far from
    singular, hence similar tasks.
    """

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        moment = problem.pooled_moment()
        # A rank above the other side's size needs singular vectors beyond the thin decomposition.
        full = max(rank) > min(moment.shape)
        left, _, right = jnp.linalg.svd(moment, full_matrices=full)
        return left[:, : rank[0]], right[: rank[1]].T

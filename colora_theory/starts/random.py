"""The random start."""

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.grassmann import random_subspace
from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart


class Random(AbstractStart):
    """Uniformly distributed subspaces."""

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        _, num_rows, num_cols = problem.sensing.weights_shape
        left_key, right_key = jax.random.split(key)
        dtype = problem.targets.dtype
        return (
            random_subspace(left_key, num_rows, rank[0], dtype),
            random_subspace(right_key, num_cols, rank[1], dtype),
        )

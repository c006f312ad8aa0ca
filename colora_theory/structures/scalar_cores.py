"""One adapter, of which every user takes a multiple."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import (
    AbstractStructure,
    Parameters,
    Shape,
    check_sizes,
    halves,
    join,
    low_rank_dimension,
)
from colora_theory.structures.unfolding import user_directions


class ScalarCores(AbstractStructure):
    """W_i = c_i U V^T, with r (d1 + d2 - r) + k - 1 degrees of freedom: one matrix, and the ratios of the multiples.

    Parameters: `left` (d1, r), `multiples` (k,), `right` (d2, r).

    Attributes:
        rank: r.
    """

    rank: int = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return contract("k,ab->kab", parameters["multiples"], join(parameters["left"], parameters["right"]))

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        left_key, user_key, right_key = jax.random.split(key, 3)
        return {
            "left": random_subspace(left_key, shape[1], self.rank),
            "multiples": jax.random.normal(user_key, shape[:1]),
            "right": jax.random.normal(right_key, (shape[2], self.rank)),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        multiples = user_directions(weights, 1)[:, 0]
        left, right = halves(contract("k,kab->ab", multiples, weights), self.rank)
        return {"left": left, "multiples": multiples, "right": right}

    def check(self, shape: Shape) -> None:
        check_sizes(shape, rank=self.rank)

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        return low_rank_dimension(*shape[1:], self.rank) + shape[0] - 1

"""One adapter for all users."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray
from colora_theory.structures.base import (
    AbstractStructure,
    Parameters,
    Shape,
    check_sizes,
    halves,
    join,
    low_rank_dimension,
)


class Pooled(AbstractStructure):
    """W_i = P Q^T, the same for all: r (d1 + d2 - r) degrees of freedom.

    Parameters: `left` (d1, r), `right` (d2, r).

    Attributes:
        num_users: k; the parameters do not tell.
        rank: r.
    """

    num_users: int = eqx.field(static=True)
    rank: int = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        shared = join(parameters["left"], parameters["right"])
        return jnp.broadcast_to(shared, (self.num_users, *shared.shape))

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        left_key, right_key = jax.random.split(key)
        return {
            "left": random_subspace(left_key, shape[1], self.rank),
            "right": jax.random.normal(right_key, (shape[2], self.rank)),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        left, right = halves(jnp.mean(weights, axis=0), self.rank)
        return {"left": left, "right": right}

    def check(self, shape: Shape) -> None:
        check_sizes(shape, rank=self.rank)
        if shape[0] != self.num_users:
            raise ValueError(f"num_users is {self.num_users}, the data have {shape[0]} users")

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        return low_rank_dimension(*shape[1:], self.rank)

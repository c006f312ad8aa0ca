"""One adapter for all, plus one for each user."""

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
    random_subspaces,
)


class Additive(AbstractStructure):
    """W_i = U V^T + P_i Q_i^T: the dual-personalizing adapters of FedDPA (Yang et al. 2024).

    s (d1 + d2 - s) + k p (d1 + d2 - p) degrees of freedom: at generic points the tangent spaces of the two parts
    meet in zero only, if there are two users at least and s + 2 p <= min(d1, d2). Parameters: `left` (d1, s), `right`
    (d2, s), `own_left` (k, d1, p), `own_right` (k, d2, p).

    Attributes:
        shared_rank: s.
        own_rank: p.
    """

    shared_rank: int = eqx.field(static=True)
    own_rank: int = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        shared = join(parameters["left"], parameters["right"])
        return shared[None] + join(parameters["own_left"], parameters["own_right"])

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        num_users, num_rows, num_cols = shape
        left_key, right_key, *own_keys = jax.random.split(key, 4)
        lefts, rights = (
            random_subspaces(own, num_users, size, self.own_rank)
            for own, size in zip(own_keys, (num_rows, num_cols), strict=True)
        )
        stretch = jnp.sqrt(jnp.asarray(num_cols, float))
        return {
            "left": random_subspace(left_key, num_rows, self.shared_rank),
            "right": jax.random.normal(right_key, (num_cols, self.shared_rank)),
            "own_left": lefts,
            "own_right": rights * stretch,
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        left, right = halves(jnp.mean(weights, axis=0), self.shared_rank)
        own_left, own_right = halves(weights - join(left, right)[None], self.own_rank)
        return {"left": left, "right": right, "own_left": own_left, "own_right": own_right}

    def check(self, shape: Shape) -> None:
        check_sizes(shape, shared_rank=self.shared_rank, own_rank=self.own_rank)
        if shape[0] < 2:
            raise ValueError("1 user does not tell what is shared from what is its own: at least 2 are needed")
        if self.shared_rank + 2 * self.own_rank > min(shape[1:]):
            raise ValueError(
                f"shared_rank + 2 own_rank = {self.shared_rank + 2 * self.own_rank} exceeds min(num_rows, num_cols) = "
                f"{min(shape[1:])}: what is shared cannot be told from what is each user's own"
            )

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        num_users, num_rows, num_cols = shape
        shared, own = (low_rank_dimension(num_rows, num_cols, rank) for rank in (self.shared_rank, self.own_rank))
        return shared + num_users * own

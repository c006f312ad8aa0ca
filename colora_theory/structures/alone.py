"""Each user an adapter of its own."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

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


class Alone(AbstractStructure):
    """W_i = P_i Q_i^T, nothing shared: k r (d1 + d2 - r) degrees of freedom.

    Parameters: `left` (k, d1, r), `right` (k, d2, r).

    Attributes:
        rank: r.
    """

    rank: int = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return join(parameters["left"], parameters["right"])

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        num_users, num_rows, num_cols = shape
        left_key, right_key = jax.random.split(key)
        lefts = random_subspaces(left_key, num_users, num_rows, self.rank)
        return {"left": lefts, "right": jax.random.normal(right_key, (num_users, num_cols, self.rank))}

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        left, right = halves(weights, self.rank)
        return {"left": left, "right": right}

    def check(self, shape: Shape) -> None:
        check_sizes(shape, rank=self.rank)

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        return shape[0] * low_rank_dimension(*shape[1:], self.rank)

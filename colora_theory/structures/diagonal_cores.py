"""Both subspaces shared, the cores diagonal."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import AbstractStructure, Parameters, Shape, check_sizes
from colora_theory.structures.unfolding import shared_subspaces


class DiagonalCores(AbstractStructure):
    """W_i = U diag(c_i) V^T, a canonical polyadic decomposition of the stacked weights.

    r (d1 + d2 + k - 2) degrees of freedom: each of the r terms is a product of three vectors, two of whose lengths are
    free. From two users on, U and V are determined up to order and length of their columns (no rotation leaves the
    cores diagonal), by Kruskal's and Jennrich's theorems. Parameters: `left` (d1, r), `cores` (k, r), `right` (d2, r).

    Attributes:
        rank: r.
    """

    rank: int = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return contract("ar,kr,br->kab", parameters["left"], parameters["cores"], parameters["right"])

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        left_key, core_key, right_key = jax.random.split(key, 3)
        return {
            "left": random_subspace(left_key, shape[1], self.rank),
            "cores": jax.random.normal(core_key, (shape[0], self.rank)),
            "right": random_subspace(right_key, shape[2], self.rank),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        left, right = shared_subspaces(weights, (self.rank, self.rank))
        # Which directions of the subspaces belong together is guessed.
        left, right = (
            basis @ random_subspace(own, self.rank, self.rank, basis.dtype)
            for own, basis in zip(jax.random.split(key), (left, right), strict=True)
        )
        return {"left": left, "cores": contract("ar,kab,br->kr", left, weights, right), "right": right}

    def check(self, shape: Shape) -> None:
        check_sizes(shape, rank=self.rank)
        if shape[0] < 2:
            raise ValueError("1 user does not determine diagonal cores: at least 2 are needed, or `Pooled`")

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        return self.rank * (sum(shape) - 2)

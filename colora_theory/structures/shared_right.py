"""One A for all, a B for each user: asymmetric LoRA."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import AbstractStructure, Parameters, Shape, check_sizes
from colora_theory.structures.unfolding import shared_subspaces


class SharedRight(AbstractStructure):
    """W_i = B_i A, A shared: k d1 r + r (d2 - r) degrees of freedom.

    The asymmetric adapters of HydraLoRA (Tian et al. 2024), one A and many B. Parameters: `own` (k, d1, r), the B_i;
    `shared` (d2, r), the transpose of A.

    Attributes:
        rank: r.
    """

    rank: int = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return contract("kar,br->kab", parameters["own"], parameters["shared"])

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        own_key, shared_key = jax.random.split(key)
        return {
            "own": jax.random.normal(own_key, (*shape[:2], self.rank)),
            "shared": random_subspace(shared_key, shape[2], self.rank),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        _, shared = shared_subspaces(weights, (1, self.rank))
        return {"own": contract("kab,br->kar", weights, shared), "shared": shared}

    def check(self, shape: Shape) -> None:
        check_sizes(shape, rank=self.rank)

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        num_users, num_rows, num_cols = shape
        return num_users * num_rows * self.rank + self.rank * (num_cols - self.rank)

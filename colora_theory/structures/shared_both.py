"""Both subspaces shared, the core personal: CoLoRA."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import check_rank
from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import AbstractStructure, Parameters, Shape
from colora_theory.structures.unfolding import shared_subspaces


class SharedBoth(AbstractStructure):
    """W_i = U C_i V^T, with r1 (d1 - r1) + r2 (d2 - r2) + k r1 r2 degrees of freedom.

    Parameters: `left` (d1, r1), `cores` (k, r1, r2), `right` (d2, r2). `colora_theory.fit` is the quick way to fit it;
    here it stands beside the others, by the same means.

    Attributes:
        rank: (r1, r2).
    """

    rank: tuple[int, int] = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return contract("ar,krs,bs->kab", parameters["left"], parameters["cores"], parameters["right"])

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        left_key, core_key, right_key = jax.random.split(key, 3)
        return {
            "left": random_subspace(left_key, shape[1], self.rank[0]),
            "cores": jax.random.normal(core_key, (shape[0], *self.rank)),
            "right": random_subspace(right_key, shape[2], self.rank[1]),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        left, right = shared_subspaces(weights, self.rank)
        return {"left": left, "cores": contract("ar,kab,bs->krs", left, weights, right), "right": right}

    def check(self, shape: Shape) -> None:
        check_rank(self.rank, *shape)

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        (num_users, num_rows, num_cols), (r1, r2) = shape, self.rank
        return r1 * (num_rows - r1) + r2 * (num_cols - r2) + num_users * r1 * r2

"""Few adapters, of which every user takes a combination of its own."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import (
    AbstractStructure,
    Parameters,
    Shape,
    halves,
    join,
    low_rank_dimension,
)
from colora_theory.structures.components import check_components, sample_components
from colora_theory.structures.unfolding import user_directions


class Mixture(AbstractStructure):
    """W_i = sum_c pi_ic U_c V_c^T with free weights pi: mixtures of adaptors, as in FLoRAL (Almansoori et al. 2024).

    m r (d1 + d2 - r) + m (k - 1) degrees of freedom: m matrices of rank r, and weights whose scale each of them takes.
    Parameters: `shares` (k, m), `left` (m, d1, r), `right` (m, d2, r).

    Attributes:
        num_components: m.
        rank: r, of each.
    """

    num_components: int = eqx.field(static=True)
    rank: int = eqx.field(static=True)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return contract("km,mab->kab", parameters["shares"], join(parameters["left"], parameters["right"]))

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        share_key, left_key, right_key = jax.random.split(key, 3)
        lefts, rights = sample_components(left_key, right_key, shape, self.num_components, self.rank)
        return {"shares": jax.random.normal(share_key, (shape[0], self.num_components)), "left": lefts, "right": rights}

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        # The span of the components shows in the weights; which of its elements they are is guessed.
        turn = random_subspace(key, self.num_components, self.num_components, weights.dtype)
        shares = user_directions(weights, self.num_components) @ turn
        left, right = halves(contract("km,kab->mab", shares, weights), self.rank)
        return {"shares": shares, "left": left, "right": right}

    def check(self, shape: Shape) -> None:
        check_components(shape, self.num_components, self.rank)
        if self.num_components > 1 and 2 * self.rank > min(shape[1:]):
            raise ValueError(
                f"2 rank = {2 * self.rank} exceeds min(num_rows, num_cols) = {min(shape[1:])}: combinations of two "
                "components must have a higher rank than either, or they cannot be told from them"
            )

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        return self.num_components * (low_rank_dimension(*shape[1:], self.rank) + shape[0] - 1)

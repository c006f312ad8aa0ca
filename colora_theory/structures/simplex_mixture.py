"""Few adapters, of which every user takes a weighted mean of its own."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import AnyArray, contract
from colora_theory.problem import Problem
from colora_theory.structures.alternating import Blocks, all_supports, alternate
from colora_theory.structures.base import (
    AbstractStructure,
    Minimum,
    Parameters,
    Shape,
    halves,
    join,
    low_rank_dimension,
)
from colora_theory.structures.components import distant_users, sample_components, unused_components
from colora_theory.structures.mixture import Mixture

# Faces of the simplex are gone through one by one.
_MOST_COMPONENTS = 8


class SimplexMixture(AbstractStructure):
    """W_i = sum_c pi_ic U_c V_c^T with pi_ic >= 0 and sum_c pi_ic = 1: mixtures of adaptors, as in FLoRAL.

    m r (d1 + d2 - r) + k (m - 1) degrees of freedom inside the simplex. Fitted by exact updates of one block after the
    other, see `alternating.alternate`. Parameters: `shares` (k, m - 1), those of all components but the last, which
    takes the rest; `left` (m, d1, r), `right` (m, d2, r).

    Attributes:
        num_components: m, at most 8.
        rank: r, of each.
    """

    num_components: int = eqx.field(static=True)
    rank: int = eqx.field(static=True)

    def shares(self, parameters: Parameters) -> Float[AnyArray, "k m"]:
        """The weights pi of all components, shape (num_users, num_components)."""
        known = parameters["shares"]
        rest = 1 - known.sum(axis=1, keepdims=True)
        return jnp.concatenate([known, rest], axis=1)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return contract("km,mab->kab", self.shares(parameters), join(parameters["left"], parameters["right"]))

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        """Shares drawn evenly from the simplex; factors as in all structures.

        Raises:
            ValueError: see `check`.
        """
        self.check(shape)
        share_key, left_key, right_key = jax.random.split(key, 3)
        shares = jax.random.dirichlet(share_key, jnp.ones(self.num_components), shape[:1])
        lefts, rights = sample_components(left_key, right_key, shape, self.num_components, self.rank)
        return {"shares": shares[:, :-1], "left": lefts, "right": rights}

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        # Users far from each other are near to components of which they take most.
        chosen = distant_users(key, weights, self.num_components)
        left, right = halves(weights[chosen], self.rank)
        even = jnp.full((len(weights), self.num_components - 1), 1 / self.num_components, weights.dtype)
        return {"shares": even, "left": left, "right": right}

    def check(self, shape: Shape) -> None:
        Mixture(self.num_components, self.rank).check(shape)
        if self.num_components > _MOST_COMPONENTS:
            raise ValueError(f"num_components {self.num_components} exceeds {_MOST_COMPONENTS}: take fewer, or Mixture")

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        components = self.num_components * low_rank_dimension(*shape[1:], self.rank)
        return components + shape[0] * (self.num_components - 1)

    def minimize(
        self,
        problem: Problem,
        begun: Parameters,
        *,
        exact: Float[Array, ""],
        gradient_tol: Float[Array, ""],
        max_steps: int,
    ) -> Minimum:
        """Ten sweeps over the blocks in each step."""
        blocks = Blocks(jnp.asarray(self.shares(begun)), *(jnp.asarray(begun[name]) for name in ("left", "right")))
        supports = all_supports(self.num_components)
        end, optimal = alternate(problem, blocks, supports, exact=exact, gradient_tol=gradient_tol, max_steps=max_steps)
        found: Parameters = {"shares": end.blocks.shares[:, :-1], "left": end.blocks.left, "right": end.blocks.right}
        return Minimum(found, end.loss, end.relative_gradient, end.num_steps, optimal)

    def doubts(self, problem: Problem, parameters: Parameters) -> tuple[str, ...]:
        """Components that nobody uses."""
        return unused_components(np.asarray(self.shares(parameters)))

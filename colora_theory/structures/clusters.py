"""Few adapters, of which every user takes one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import AnyArray, contract
from colora_theory.problem import Problem
from colora_theory.structures.alternating import Blocks, alternate
from colora_theory.structures.base import (
    AbstractStructure,
    Minimum,
    Parameters,
    Shape,
    halves,
    join,
    low_rank_dimension,
)
from colora_theory.structures.components import (
    check_components,
    distant_users,
    sample_components,
    unused_components,
)

# Refinements of the first guess.
_ROUNDS = 10


class Clusters(AbstractStructure):
    """W_i = U_c V_c^T for the cluster c of user i: the mixture of which every user takes one component.

    m r (d1 + d2 - r) degrees of freedom, given who belongs where. Fitted by exact updates of one block after the other,
    see `alternating.alternate`: every user goes where its loss is least, then the components are fitted. Parameters:
    `members` (k, m), one for the cluster of a user and zero for the others, in which nothing is differentiated; `left`
    (m, d1, r), `right` (m, d2, r).

    Attributes:
        num_components: m.
        rank: r, of each.
    """

    num_components: int = eqx.field(static=True)
    rank: int = eqx.field(static=True)

    def labels(self, parameters: Parameters) -> np.ndarray:
        """The cluster of each user, counted from 0, shape (num_users,)."""
        return np.argmax(np.asarray(parameters["members"]), axis=1)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        members = jax.lax.stop_gradient(parameters["members"])
        return contract("km,mab->kab", members, join(parameters["left"], parameters["right"]))

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        """Clusters of equal size, up to one user.

        Raises:
            ValueError: see `check`.
        """
        self.check(shape)
        member_key, left_key, right_key = jax.random.split(key, 3)
        labels = jax.random.permutation(member_key, jnp.arange(shape[0]) % self.num_components)
        lefts, rights = sample_components(left_key, right_key, shape, self.num_components, self.rank)
        return {"members": self._members(labels, lefts), "left": lefts, "right": rights}

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        left, right = halves(weights[distant_users(key, weights, self.num_components)], self.rank)
        for _ in range(_ROUNDS):
            apart = weights[:, None] - join(left, right)[None]
            members = self._members(jnp.argmin(jnp.sum(jnp.square(apart), axis=(2, 3)), axis=1), weights)
            counts = jnp.maximum(jnp.sum(members, axis=0), 1.0)
            left, right = halves(contract("km,kab->mab", members / counts[None], weights), self.rank)
        return {"members": members, "left": left, "right": right}

    def check(self, shape: Shape) -> None:
        check_components(shape, self.num_components, self.rank)

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        return self.num_components * low_rank_dimension(*shape[1:], self.rank)

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
        blocks = Blocks(*(jnp.asarray(begun[name]) for name in ("members", "left", "right")))
        single = np.eye(self.num_components, dtype=bool)
        end, optimal = alternate(problem, blocks, single, exact=exact, gradient_tol=gradient_tol, max_steps=max_steps)
        found: Parameters = {"members": end.blocks.shares, "left": end.blocks.left, "right": end.blocks.right}
        return Minimum(found, end.loss, end.relative_gradient, end.num_steps, optimal)

    def doubts(self, problem: Problem, parameters: Parameters) -> tuple[str, ...]:
        """Components that nobody uses."""
        return unused_components(np.asarray(parameters["members"]))

    def _members(self, labels: Array, like: Array) -> Float[Array, "k m"]:
        return jax.nn.one_hot(labels, self.num_components, dtype=like.dtype)

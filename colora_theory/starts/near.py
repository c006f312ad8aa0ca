"""A start at a known distance from known subspaces."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.grassmann import check_sine, rotate
from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart


class Near(AbstractStart):
    """Given subspaces, each turned so that the sine of its largest principal angle is `sine`.

    With the truth as `factors` it shows local convergence; with an earlier solution it is a warm start.

    Attributes:
        factors: where to start from, with orthonormal columns.
        sine: in [0, 1].
    """

    factors: Factors
    sine: float | Float[Array, ""] = 0.0

    def __check_init__(self) -> None:
        check_sine(self.sine)

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        if self.factors.rank != rank:
            raise ValueError(f"the start has rank {self.factors.rank}, rank {rank} was asked for")
        left_key, right_key = jax.random.split(key)
        sine = jnp.asarray(self.sine, self.factors.left.dtype)
        return rotate(left_key, self.factors.left, sine), rotate(right_key, self.factors.right, sine)

"""A start turned at random."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.grassmann import check_sine, rotate
from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart
from colora_theory.starts.stacked import Stacked


class Turned(AbstractStart):
    """The subspaces of another start, each turned so that the sine of its largest principal angle is `sine`.

    Neighbours of a start that leads into a local minimum mostly do not.

    Attributes:
        start: what is turned.
        sine: in [0, 1].
    """

    start: AbstractStart = Stacked()
    sine: float | Float[Array, ""] = 0.5

    def __check_init__(self) -> None:
        check_sine(self.sine)

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        start_key, left_key, right_key = jax.random.split(key, 3)
        left, right = self.start.subspaces(problem, rank, start_key)
        sine = jnp.asarray(self.sine, left.dtype)
        return rotate(left_key, left, sine), rotate(right_key, right, sine)

"""One B for all, an A for each user."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import AnyArray
from colora_theory.structures.base import AbstractStructure, Parameters, Shape
from colora_theory.structures.shared_right import SharedRight


class SharedLeft(AbstractStructure):
    """W_i = B A_i, B shared: k d2 r + r (d1 - r) degrees of freedom.

    The mirror of `SharedRight`: the transposed weights have that structure. Parameters: `own` (k, d2, r), the
    transposes of the A_i; `shared` (d1, r), B.

    Attributes:
        rank: r.
    """

    rank: int = eqx.field(static=True)

    @property
    def mirror(self) -> SharedRight:
        """The structure of the transposed weights."""
        return SharedRight(self.rank)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return jnp.swapaxes(self.mirror.compose(parameters), 1, 2)

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        return self.mirror.sample(key, _transposed(shape))

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        return self.mirror.begin(key, jnp.swapaxes(weights, 1, 2))

    def check(self, shape: Shape) -> None:
        self.mirror.check(_transposed(shape))

    def degrees_of_freedom(self, shape: Shape) -> int:
        return self.mirror.degrees_of_freedom(_transposed(shape))


def _transposed(shape: Shape) -> Shape:
    num_users, num_rows, num_cols = shape
    return num_users, num_cols, num_rows

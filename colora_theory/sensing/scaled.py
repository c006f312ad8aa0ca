"""An operator times a number."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.sensing.base import AbstractRestriction
from colora_theory.sensing.wrapped import AbstractWrapped


class Scaled(AbstractWrapped):
    """`factor` times another operator, without a copy of its data: the small operand of every product is multiplied.

    With a power of two as factor the products are those of the operator itself, to the last bit.

    Attributes:
        sensing: the operator.
        factor: the number.
    """

    factor: Float[Array, "..."]

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        return self.sensing(self.factor * weights)

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        return self.sensing.adjoint(self.factor * measurements)

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        return self.sensing.pooled_adjoint(self.factor * measurements)

    def moments(self, targets: Float[Array, "k n"], sample_weights: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        return self.sensing.moments(self.factor * targets, sample_weights)

    def trim(self, targets: Float[Array, "k n"], sample_weights: Float[Array, "k n"]) -> Float[Array, "k n"]:
        return self.sensing.trim(targets, sample_weights)

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        return self.sensing.restrict_right(self.factor * right, scale)

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        return self.sensing.restrict_left(self.factor * left, scale)

    def restrict_both(
        self, left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]
    ) -> tuple[AbstractRestriction, AbstractRestriction]:
        return self.sensing.restrict_both(self.factor * left, self.factor * right, scale)

    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "Scaled":
        return Scaled(self.sensing.transform_sides(row_map, col_map), self.factor)

    def side_covariances(
        self, shares: Float[Array, "k n"]
    ) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
        rows, cols = self.sensing.side_covariances(shares)
        return rows, jnp.square(self.factor) * cols

    def take_samples(self, count: int) -> "Scaled":
        return Scaled(self.sensing.take_samples(count), self.factor)

    def take_users(self, users: slice) -> "Scaled":
        return Scaled(self.sensing.take_users(users), self.factor)

    def sample_users(self, count: int) -> slice:
        return self.sensing.sample_users(count)

    def pad(self, num_users: int, num_samples: int) -> "Scaled":
        return Scaled(self.sensing.pad(num_users, num_samples), self.factor)

    def split_users(self) -> "Scaled":
        users = self.weights_shape[0]
        return Scaled(self.sensing.split_users(), self.factor[None].repeat(users))

    def merge_users(self) -> "Scaled":
        return Scaled(self.sensing.merge_users(), self.factor)

"""Dense sensing: every measurement has a full matrix of its own."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.linalg import contract
from colora_theory.sensing.base import AbstractSensing, SketchRestriction


class Dense(AbstractSensing):
    """y_ij = <A_ij, W_i> with dense matrices A_ij.

    The matrices are stored with their rows as the leading axis. Then A_ij V and U^T A_ij, over all users and samples,
    are one large matrix product each, with no transposed copy of the data: on a CPU several times faster than a
    product for each user, and within a factor of about two of reading the data once.

    Attributes:
        rows: the matrices, shape (num_rows, num_users, num_samples, num_cols).
    """

    rows: Float[Array, "d1 k n d2"]

    @classmethod
    def from_matrices(cls, matrices: Float[Array, "k n d1 d2"]) -> "Dense":
        """From matrices in the natural order, shape (num_users, num_samples, num_rows, num_cols)."""
        return cls(jnp.moveaxis(matrices, 2, 0))

    @property
    def matrices(self) -> Float[Array, "k n d1 d2"]:
        """The matrices in the natural order (a copy)."""
        return jnp.moveaxis(self.rows, 0, 2)

    @property
    def weights_shape(self) -> tuple[int, int, int]:
        num_rows, num_users, _, num_cols = self.rows.shape
        return num_users, num_rows, num_cols

    @property
    def num_samples(self) -> int:
        return self.rows.shape[2]

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        return contract("aknb,kab->kn", self.rows, weights)

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        return contract("aknb,kn->kab", self.rows, measurements)

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        num_rows, _, _, num_cols = self.rows.shape
        flat = measurements.reshape(len(measurements), -1)
        # Row by row: as one product over both axes XLA's CPU backend copies the data first.
        summed = jax.lax.map(lambda row: contract("mj,jb->mb", flat, row), self.rows.reshape(num_rows, -1, num_cols))
        return jnp.moveaxis(summed, 0, 1)

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> SketchRestriction:
        num_rows, num_users, num_samples, num_cols = self.rows.shape
        # Flattened by hand: as an einsum over four axes XLA's CPU backend transposes the data first.
        flat = contract("mb,br->mr", self.rows.reshape(-1, num_cols), right)
        sketch = flat.reshape(num_rows, num_users, num_samples, -1)
        return SketchRestriction(sketch * scale[None, :, :, None], "aknr")

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> SketchRestriction:
        num_rows, num_users, num_samples, num_cols = self.rows.shape
        flat = contract("ar,am->rm", left, self.rows.reshape(num_rows, -1))
        sketch = flat.reshape(-1, num_users, num_samples, num_cols)
        return SketchRestriction(sketch * scale[None, :, :, None], "rkna")

    def split_users(self) -> "Dense":
        split = jnp.moveaxis(self.rows, 1, 0)[:, :, None]
        return eqx.tree_at(lambda sensing: sensing.rows, self, split)

    def merge_users(self) -> "Dense":
        num_rows, _, _, num_cols = self.rows.shape
        return Dense(self.rows.reshape(num_rows, 1, -1, num_cols))

"""Dense sensing: every measurement has a full matrix of its own."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.linalg import combine_slices, contract, mix_slices, pad_axes, safe_divide
from colora_theory.sensing.base import AbstractRestriction, AbstractSensing, SketchRestriction


class Dense(AbstractSensing):
    """y_ij = <A_ij, W_i> with dense matrices A_ij.

    The matrices are stored entry by entry, with users and samples as the trailing axes. Then A_ij V and U^T A_ij, over
    all users and samples, are combinations of few long rows, made in one pass over the data and in place: on a CPU
    several times faster than a product for each sample, and within a factor of two of reading the data once.

    Attributes:
        entries: the matrices, shape (num_rows, num_cols, num_users, num_samples).
    """

    entries: Float[Array, "d1 d2 k n"]

    @classmethod
    def from_matrices(cls, matrices: Float[Array, "k n d1 d2"]) -> "Dense":
        """From matrices in the natural order, shape (num_users, num_samples, num_rows, num_cols)."""
        return cls(jnp.transpose(matrices, (2, 3, 0, 1)))

    @property
    def matrices(self) -> Float[Array, "k n d1 d2"]:
        """The matrices in the natural order (a copy)."""
        return jnp.transpose(self.entries, (2, 3, 0, 1))

    @property
    def weights_shape(self) -> tuple[int, int, int]:
        num_rows, num_cols, num_users, _ = self.entries.shape
        return num_users, num_rows, num_cols

    @property
    def num_samples(self) -> int:
        return self.entries.shape[3]

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        return combine_slices(weights.reshape(len(weights), -1), self.entries.reshape(-1, *self.entries.shape[2:]))

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        # Multiplied and summed in one pass; as a batched product the data are transposed first.
        return jnp.moveaxis(jnp.sum(self.entries * measurements[None, None], axis=-1), 2, 0)

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        num_rows, num_cols, *_ = self.entries.shape
        flat = self.entries.reshape(num_rows * num_cols, -1)
        return contract("pm,qm->qp", flat, measurements.reshape(len(measurements), -1)).reshape(-1, num_rows, num_cols)

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        if right.shape[0] == right.shape[1]:
            return TurnedRestriction(SketchRestriction(self.entries, "arkn"), right, scale)
        num_rows, num_cols, num_users, num_samples = self.entries.shape
        sketch = mix_slices(right, self.entries.reshape(num_rows, num_cols, -1))
        return SketchRestriction(sketch.reshape(num_rows, -1, num_users, num_samples) * scale[None, None], "arkn")

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        if left.shape[0] == left.shape[1]:
            return TurnedRestriction(SketchRestriction(self.entries, "rakn"), left, scale)
        num_rows, num_cols, num_users, num_samples = self.entries.shape
        sketch = mix_slices(left, self.entries.reshape(1, num_rows, -1))
        return SketchRestriction(sketch.reshape(-1, num_cols, num_users, num_samples) * scale[None, None], "rakn")

    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "Dense":
        entries = self.entries
        if row_map is not None:
            entries = contract("ac,abkn->cbkn", row_map, entries)
        return Dense(entries if col_map is None else contract("bc,abkn->ackn", col_map, entries))

    def side_covariances(
        self, shares: Float[Array, "k n"]
    ) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
        num_rows, num_cols = self.weights_shape[1:]
        weighed = self.entries * shares[None, None]
        rows = contract("abkn,cbkn->ac", weighed, self.entries) / num_cols
        cols = contract("abkn,ackn->bc", weighed, self.entries) / num_rows
        return rows, safe_divide(cols, jnp.broadcast_to(jnp.trace(rows) / num_rows, cols.shape))

    def take_samples(self, count: int) -> "Dense":
        return Dense(self.entries[..., :count])

    def take_users(self, users: slice) -> "Dense":
        return Dense(self.entries[:, :, users])

    def pad(self, num_users: int, num_samples: int) -> "Dense":
        return Dense(pad_axes(self.entries, {2: num_users, 3: num_samples}))

    def split_users(self) -> "Dense":
        split = jnp.moveaxis(self.entries, 2, 0)[:, :, :, None]
        return eqx.tree_at(lambda sensing: sensing.entries, self, split)

    def merge_users(self) -> "Dense":
        num_rows, num_cols, *_ = self.entries.shape
        return Dense(self.entries.reshape(num_rows, num_cols, 1, -1))


class TurnedRestriction(AbstractRestriction):
    """A restriction to a factor that is square: it leaves nothing out, so the data stay as they are, without a copy.

    Attributes:
        whole: the restriction to the unit matrix.
        turn: the square factor.
        scale: of each measurement.
    """

    whole: SketchRestriction
    turn: Float[Array, "r r"]
    scale: Float[Array, "k n"]

    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k n"]:
        return self.scale * self.whole(contract("kdr,qr->kdq", products, self.turn))

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d r"]:
        return contract("kdq,qr->kdr", self.whole.adjoint(self.scale * measurements), self.turn)

    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k n"]:
        size = len(self.turn)
        design = self.whole.core_design(free).reshape(free.shape[1], size, *self.scale.shape)
        return (contract("pqkn,qr->prkn", design, self.turn) * self.scale[None, None]).reshape(-1, *self.scale.shape)

    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k n"]:
        return self.whole.factor_design(contract("kpr,qr->kpq", cores, self.turn)) * self.scale[None]

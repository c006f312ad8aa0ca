"""Entry masks: every measurement is a single entry of the weights (matrix completion)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from colora_theory.linalg import contract, pad_axes, safe_divide
from colora_theory.sensing.base import (
    AbstractRestriction,
    AbstractSensing,
    JointSystem,
    NormalSystem,
    join_systems,
    outer_design,
)

# A row or column counts as sampled too often above this multiple of the average weight.
_TRIM = 2.0


class EntryMask(AbstractSensing):
    """y_ij = (W_i)_ab at row a = rows_ij and column b = cols_ij.

    The constructor does not look at the indices: those outside the matrix are an error of the caller (`Problem.entries`
    checks them).

    Attributes:
        rows: row of each entry, shape (num_users, num_samples).
        cols: column of each entry, same shape.
        shape: (num_rows, num_cols).
    """

    rows: Int[Array, "k n"]
    cols: Int[Array, "k n"]
    shape: tuple[int, int] = eqx.field(static=True)

    @property
    def weights_shape(self) -> tuple[int, int, int]:
        return len(self.rows), *self.shape

    @property
    def num_samples(self) -> int:
        return self.rows.shape[1]

    @property
    def moment_factor(self) -> float:
        return float(self.shape[0] * self.shape[1])

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        return weights[_own_users(self.rows), self.rows, self.cols]

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        zeros = jnp.zeros(self.weights_shape, measurements.dtype)
        return zeros.at[_own_users(self.rows), self.rows, self.cols].add(measurements)

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        zeros = jnp.zeros((len(measurements), *self.shape), measurements.dtype)
        return zeros.at[:, self.rows, self.cols].add(measurements)

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> "MaskRestriction":
        return MaskRestriction(self.rows, right.T[:, self.cols] * scale[None], self.shape[0])

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> "MaskRestriction":
        return MaskRestriction(self.cols, left.T[:, self.rows] * scale[None], self.shape[1])

    def trim(self, targets: Float[Array, "k n"], sample_weights: Float[Array, "k n"]) -> Float[Array, "k n"]:
        """Rows and columns that were sampled too often count less.

        A row with more than twice the average weight over all users would dominate a spectral start whatever it holds;
        Keshavan, Montanari and Oh (IEEE Trans. Inf. Theory 56, 2010) leave it out, here it is scaled down to twice the
        average. The same for columns. Uniformly drawn entries are hardly ever touched.
        """
        trimmed = targets
        for index, weight in zip((self.rows, self.cols), self.line_weights(sample_weights), strict=True):
            limit = jnp.broadcast_to(_TRIM * jnp.mean(weight), weight.shape)
            trimmed = trimmed * jnp.minimum(safe_divide(limit, weight), 1.0)[index]
        return trimmed

    def line_weights(self, sample_weights: Float[Array, "k n"]) -> tuple[Float[Array, " d1"], Float[Array, " d2"]]:
        """The total weight of the entries of each row, and of each column, over all users."""
        blank = (jnp.zeros(size, sample_weights.dtype) for size in self.shape)
        rows, cols = (
            zeros.at[index].add(sample_weights) for zeros, index in zip(blank, (self.rows, self.cols), strict=True)
        )
        return rows, cols

    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "EntryMask":
        if row_map is not None or col_map is not None:
            raise ValueError(
                "an entry mask has no other sides: an entry of a transformed matrix is no entry of the matrix"
            )
        return self

    def take_samples(self, count: int) -> "EntryMask":
        return EntryMask(self.rows[:, :count], self.cols[:, :count], self.shape)

    def take_users(self, users: slice) -> "EntryMask":
        return EntryMask(self.rows[users], self.cols[users], self.shape)

    def pad(self, num_users: int, num_samples: int) -> "EntryMask":
        rows, cols = (pad_axes(index, {0: num_users, 1: num_samples}) for index in (self.rows, self.cols))
        return EntryMask(rows, cols, self.shape)

    def split_users(self) -> "EntryMask":
        split = self.rows[:, None], self.cols[:, None]
        return eqx.tree_at(lambda sensing: (sensing.rows, sensing.cols), self, split)

    def merge_users(self) -> "EntryMask":
        return EntryMask(self.rows.reshape(1, -1), self.cols.reshape(1, -1), self.shape)


class MaskRestriction(AbstractRestriction):
    """Entries of Z_i F^T for a fixed factor F: rows of Z_i against rows of F.

    Attributes:
        index: row of Z_i of each entry, shape (num_users, num_samples).
        fixed: row of F of each entry, scaled, shape (r, num_users, num_samples).
        size: d, the number of rows of Z_i.
    """

    index: Int[Array, "k n"]
    fixed: Float[Array, "r k n"]
    size: int = eqx.field(static=True)

    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k n"]:
        return contract("knr,rkn->kn", products[_own_users(self.index), self.index], self.fixed)

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d r"]:
        spread = jnp.moveaxis(self.fixed * measurements[None], 0, 2)
        zeros = jnp.zeros((len(spread), self.size, spread.shape[2]), spread.dtype)
        return zeros.at[_own_users(self.index), self.index].add(spread)

    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k n"]:
        return outer_design(free.T[:, self.index], self.fixed)

    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k n"]:
        return outer_design(self._mixed(cores), jax.nn.one_hot(self.index, self.size, dtype=cores.dtype, axis=0))

    def factor_system(self, cores: Float[Array, "k p r"], residual: Float[Array, "k n"]) -> NormalSystem:
        # An entry sees one row of the free factor only: a small system for each row.
        mixed = self._mixed(cores)
        blocks = self._sum_by_row(mixed[:, None] * mixed[None])
        identity = jnp.eye(self.size, dtype=cores.dtype)
        normal = (jnp.moveaxis(blocks, 2, 1)[..., None] * identity[None, :, None]).reshape(blocks[:, 0].size, -1)
        return NormalSystem(normal, self._sum_by_row(mixed * residual[None]).reshape(-1))

    def joint_system(
        self,
        other: AbstractRestriction,
        core_design: Float[Array, "pr k n"],
        residual: Float[Array, "k n"],
        cores: Float[Array, "k p r"],
        other_cores: Float[Array, "k r p"],
    ) -> JointSystem:
        if not isinstance(other, MaskRestriction):
            return super().joint_system(other, core_design, residual, cores, other_cores)
        mixed, other_mixed = self._mixed(cores), other._mixed(other_cores)
        across = jnp.zeros((len(mixed), len(other_mixed), self.size, other.size), cores.dtype)
        across = across.at[..., self.index, other.index].add(mixed[:, None] * other_mixed[None])
        across = jnp.moveaxis(across, 2, 1).reshape(len(mixed) * self.size, -1)
        return join_systems(
            self.factor_system(cores, residual),
            other.factor_system(other_cores, residual),
            across,
            self._couple(core_design, mixed),
            other._couple(core_design, other_mixed),
        )

    def _couple(self, core_design: Float[Array, "q k n"], mixed: Float[Array, "p k n"]) -> Float[Array, "k q pd"]:
        terms = core_design[:, None] * mixed[None]
        zeros = jnp.zeros((*terms.shape[:3], self.size), terms.dtype)
        summed = zeros.at[..., _own_users(self.index), self.index].add(terms)
        return jnp.moveaxis(summed, 2, 0).reshape(len(self.index), len(core_design), -1)

    def _mixed(self, cores: Float[Array, "k p r"]) -> Float[Array, "p k n"]:
        return contract("kpr,rkn->pkn", cores, self.fixed)

    def _sum_by_row(self, terms: Float[Array, "*p k n"]) -> Float[Array, "*p d"]:
        """Sums over the entries of each row of the free factor, all users together."""
        return jnp.zeros((*terms.shape[:-2], self.size), terms.dtype).at[..., self.index].add(terms)


def _own_users(index: Int[Array, "k n"]) -> Int[Array, "k 1"]:
    return jnp.arange(len(index))[:, None]

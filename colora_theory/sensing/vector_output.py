"""Vector outputs: every sample measures the whole vector W_i x."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.linalg import contract, pad_axes
from colora_theory.sensing.base import AbstractRestriction, AbstractSensing, JointSystem, NormalSystem, join_systems


class VectorOutput(AbstractSensing):
    """y_ij = W_i x_ij, a vector of num_rows scalar measurements.

    The measurements of a user are its output vectors one after the other: `outputs.reshape(num_users, -1)` of outputs
    (num_users, num_vectors, num_rows), so that `num_samples` is num_vectors num_rows.

    Attributes:
        inputs: the x_ij, shape (num_users, num_vectors, num_cols).
        num_rows: length of an output.
    """

    inputs: Float[Array, "k n d2"]
    num_rows: int = eqx.field(static=True)

    @property
    def weights_shape(self) -> tuple[int, int, int]:
        num_users, _, num_cols = self.inputs.shape
        return num_users, self.num_rows, num_cols

    @property
    def num_samples(self) -> int:
        return self.inputs.shape[1] * self.num_rows

    @property
    def moment_factor(self) -> float:
        return float(self.num_rows)

    def measurements_of_core(self, rank: tuple[int, int]) -> int:
        # Each output tells the core along one direction of V only.
        return rank[1] * self.num_rows

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        return _flat(contract("knb,kab->kna", self.inputs, weights))

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        return contract("kna,knb->kab", self._by_vector(measurements), self.inputs)

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        outputs = measurements.reshape(len(measurements), *self.inputs.shape[:2], self.num_rows)
        return contract("mkna,knb->mab", outputs, self.inputs)

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> "OutputRestriction":
        return OutputRestriction(contract("knb,br->knr", self.inputs, right), self._by_vector(scale))

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> "InputRestriction":
        return InputRestriction(self.inputs, left, self._by_vector(scale))

    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "VectorOutput":
        if row_map is not None:
            raise ValueError(
                "vector outputs have columns to transform only: other rows mix the outputs and their noise"
            )
        return self if col_map is None else VectorOutput(contract("bc,knb->knc", col_map, self.inputs), self.num_rows)

    def side_covariances(
        self, shares: Float[Array, "k n"]
    ) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
        # The scalars of a vector may have shares of their own: each is a sample of the inputs.
        return None, contract("knb,knc,kn->bc", self.inputs, self.inputs, jnp.sum(self._by_vector(shares), axis=2))

    def take_samples(self, count: int) -> "VectorOutput":
        return VectorOutput(self.inputs[:, : -(-count // self.num_rows)], self.num_rows)

    def take_users(self, users: slice) -> "VectorOutput":
        return VectorOutput(self.inputs[users], self.num_rows)

    def pad(self, num_users: int, num_samples: int) -> "VectorOutput":
        return VectorOutput(pad_axes(self.inputs, {0: num_users, 1: -(-num_samples // self.num_rows)}), self.num_rows)

    def split_users(self) -> "VectorOutput":
        return eqx.tree_at(lambda sensing: sensing.inputs, self, self.inputs[:, None])

    def merge_users(self) -> "VectorOutput":
        return VectorOutput(self.inputs.reshape(1, -1, self.inputs.shape[2]), self.num_rows)

    def _by_vector(self, measurements: Float[Array, "k nd1"]) -> Float[Array, "k n d1"]:
        return measurements.reshape(*self.inputs.shape[:2], self.num_rows)


class OutputRestriction(AbstractRestriction):
    """Vector outputs at fixed V: Z_i (V^T x_ij).

    Attributes:
        inputs: V^T x_ij, shape (num_users, num_vectors, r).
        scale: of each scalar measurement, shape (num_users, num_vectors, num_rows).
    """

    inputs: Float[Array, "k n r"]
    scale: Float[Array, "k n d1"]

    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k nd1"]:
        return _flat(contract("knr,kar->kna", self.inputs, products) * self.scale)

    def adjoint(self, measurements: Float[Array, "k nd1"]) -> Float[Array, "k d r"]:
        return contract("kna,knr->kar", measurements.reshape(self.scale.shape) * self.scale, self.inputs)

    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k nd1"]:
        return _core_design(free, self.scale, self.inputs, "ap,kna,knr->prkna")

    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k nd1"]:
        mixed = contract("kpr,knr->pkn", cores, self.inputs)
        rows = jnp.eye(self.scale.shape[2], dtype=cores.dtype)[:, None, None, :] * self.scale[None]
        design = mixed[:, None, :, :, None] * rows[None]
        return design.reshape(-1, len(cores), self.scale[0].size)

    def core_system(self, free: Float[Array, "d p"], residual: Float[Array, "k nd1"]) -> NormalSystem:
        squares = contract("kna,ap,aq->knpq", jnp.square(self.scale), free, free)
        normal = contract("knpq,knr,kns->kprqs", squares, self.inputs, self.inputs)
        return _own_system(normal, contract("ap,kar->kpr", free, self.adjoint(residual)))

    def factor_system(self, cores: Float[Array, "k p r"], residual: Float[Array, "k nd1"]) -> NormalSystem:
        # An output sees one row of U only: a small system for each row.
        mixed = contract("kpr,knr->knp", cores, self.inputs)
        blocks = contract("kna,knp,knq->apq", jnp.square(self.scale), mixed, mixed)
        size = mixed.shape[2] * len(blocks)
        normal = jnp.moveaxis(blocks, 0, 1)[..., None] * jnp.eye(len(blocks), dtype=blocks.dtype)[None, :, None]
        descent = contract("kna,knp->pa", residual.reshape(self.scale.shape) * self.scale, mixed)
        return NormalSystem(normal.reshape(size, size), descent.reshape(size))

    def joint_system(
        self,
        other: AbstractRestriction,
        core_design: Float[Array, "pr k nd1"],
        residual: Float[Array, "k nd1"],
        cores: Float[Array, "k p r"],
        other_cores: Float[Array, "k r p"],
    ) -> JointSystem:
        if not isinstance(other, InputRestriction):
            return super().joint_system(other, core_design, residual, cores, other_cores)
        mixed = contract("kpr,knr->knp", cores, self.inputs)
        outputs = contract("ar,kpr->kap", other.left, other_cores)
        squares = jnp.square(self.scale)
        # Between the factors: first all outputs of a user together, then all users.
        inner = contract("kna,knp,knb->kpab", squares, mixed, other.inputs)
        across = contract("kpab,kas->pasb", inner, outputs)
        # With the cores: theirs is the same U that `other` knows, so that their long design need not be read.
        inner = contract("kna,knr,knq->karq", squares, self.inputs, mixed)
        with_left = contract("ap,karq->kprqa", other.left, inner)
        inner = contract("kna,ap,kas->knps", squares, other.left, outputs)
        with_right = contract("knps,knr,knb->kprsb", inner, self.inputs, other.inputs)
        size = (len(cores), len(core_design), -1)
        return join_systems(
            self.factor_system(cores, residual),
            other.factor_system(other_cores, residual),
            across.reshape(mixed.shape[2] * squares.shape[2], -1),
            with_left.reshape(size),
            with_right.reshape(size),
        )


class InputRestriction(AbstractRestriction):
    """Vector outputs at fixed U: U (Z_i^T x_ij).

    Attributes:
        inputs: the x_ij, shape (num_users, num_vectors, num_cols).
        left: U, shape (num_rows, r).
        scale: of each scalar measurement, shape (num_users, num_vectors, num_rows).
    """

    inputs: Float[Array, "k n d2"]
    left: Float[Array, "d1 r"]
    scale: Float[Array, "k n d1"]

    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k nd1"]:
        inner = contract("knb,kbr->knr", self.inputs, products)
        return _flat(contract("knr,ar->kna", inner, self.left) * self.scale)

    def adjoint(self, measurements: Float[Array, "k nd1"]) -> Float[Array, "k d r"]:
        inner = contract("kna,ar->knr", measurements.reshape(self.scale.shape) * self.scale, self.left)
        return contract("knb,knr->kbr", self.inputs, inner)

    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k nd1"]:
        return _core_design(self.left, self.scale, contract("knb,bp->knp", self.inputs, free), "ar,kna,knp->prkna")

    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k nd1"]:
        outputs = contract("ar,kpr,kna->pkna", self.left, cores, self.scale)
        design = outputs[:, None] * jnp.moveaxis(self.inputs, 2, 0)[None, ..., None]
        return design.reshape(-1, len(cores), self.scale[0].size)

    def core_system(self, free: Float[Array, "d p"], residual: Float[Array, "k nd1"]) -> NormalSystem:
        squares = contract("kna,ar,as->knrs", jnp.square(self.scale), self.left, self.left)
        mixed = contract("knb,bp->knp", self.inputs, free)
        normal = contract("knrs,knp,knq->kprqs", squares, mixed, mixed)
        return _own_system(normal, contract("bp,kbr->kpr", free, self.adjoint(residual)))

    def factor_system(self, cores: Float[Array, "k p r"], residual: Float[Array, "k nd1"]) -> NormalSystem:
        outputs = contract("ar,kpr->kap", self.left, cores)
        squares = contract("kna,kap,kaq->knpq", jnp.square(self.scale), outputs, outputs)

        def block_row(row: Float[Array, "k n p"]) -> Float[Array, "d q d"]:
            return contract("knb,knq,knc->bqc", self.inputs, row, self.inputs)

        normal = jax.lax.map(block_row, jnp.moveaxis(squares, 2, 0))
        size = normal.shape[0] * normal.shape[1]
        descent = contract("kbr,kpr->pb", self.adjoint(residual), cores)
        return NormalSystem(normal.reshape(size, size), descent.reshape(size))


def _flat(outputs: Float[Array, "k n d1"]) -> Float[Array, "k nd1"]:
    return outputs.reshape(len(outputs), -1)


def _core_design(
    left: Float[Array, "d1 p"], scale: Float[Array, "k n d1"], inputs: Float[Array, "k n r"], subscripts: str
) -> Float[Array, "q k nd1"]:
    design = contract(subscripts, left, scale, inputs)
    return design.reshape(-1, len(inputs), scale[0].size)


def _own_system(normal: Float[Array, "k p r q s"], descent: Float[Array, "k p r"]) -> NormalSystem:
    size = descent[0].size
    return NormalSystem(normal.reshape(-1, size, size), descent.reshape(-1, size))

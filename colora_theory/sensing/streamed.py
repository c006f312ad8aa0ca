"""Dense sensing from a file that need not fit into memory."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from colora_theory.linalg import contract, safe_divide
from colora_theory.sensing.base import AbstractRestriction, AbstractSensing, SketchRestriction
from colora_theory.sensing.passes import (
    Kernel,
    adjoint,
    measure,
    pooled_adjoint,
    second_moments,
    sketch_both,
    sketch_left,
    sketch_right,
)
from colora_theory.streaming import StoredMatrices


class Streamed(AbstractSensing):
    """y_ij = <A_ij, W_i> with dense matrices A_ij that are read from a file, block by block, in every pass.

    The host multiplies the blocks, in float64 whatever the file holds, while it reads the next ones, and hands back
    what is small; results have the precision of what they are made of. A restriction keeps A V (or U^T A), d2 / r2
    (d1 / r1) times smaller than the data, so what solvers do with it needs no further pass.

    A pass ends with an error if the file cannot be read or has changed, or if a matrix is not finite: naming the
    place. It is a `StreamError`, which compiled programs raise as one of JAX's; see `streaming.plain_errors`. Under
    vmap the lanes make their passes one after the other.

    Attributes:
        stored: the matrices.
        samples: of one user; those with fewer in the file are padded with zeros.
        users: how many.
        first: the first of them.
        row_map: the matrices are multiplied by its transpose from the left; the identity if None, shape (d1, d1).
        col_map: the matrices are multiplied by it from the right; the identity if None, shape (d2, d2).
    """

    stored: StoredMatrices = eqx.field(static=True)
    samples: int = eqx.field(static=True)
    users: int = eqx.field(static=True)
    first: Int[Array, "..."]
    row_map: Float[Array, "*users d1 d1"] | None = None
    col_map: Float[Array, "*users d2 d2"] | None = None

    @classmethod
    def of(cls, stored: StoredMatrices) -> "Streamed":
        """All matrices of a file."""
        return cls(stored, max(stored.lengths), len(stored.lengths), jnp.zeros((), jnp.int32))

    @property
    def weights_shape(self) -> tuple[int, int, int]:
        return self.users, *self.stored.inner_shape

    @property
    def num_samples(self) -> int:
        return self.samples

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        if self.row_map is not None:
            weights = contract("ac,kcb->kab", self.row_map, weights)
        if self.col_map is not None:
            weights = contract("kac,bc->kab", weights, self.col_map)
        return self._pass(measure, [self._measured], weights)[0]

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        return self._turn(self._pass(adjoint, [self.weights_shape], measurements)[0])

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        shape = (len(measurements), *self.stored.inner_shape)
        return self._turn(self._pass(pooled_adjoint, [shape], measurements)[0])

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        shape = (self.stored.inner_shape[0], right.shape[1], *self._measured)
        (made,) = self._pass(sketch_right, [shape], self._right_factor(right))
        return self._at_right(made, scale)

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> AbstractRestriction:
        shape = (left.shape[1], self.stored.inner_shape[1], *self._measured)
        (made,) = self._pass(sketch_left, [shape], self._left_factor(left))
        return self._at_left(made, scale)

    def restrict_both(
        self, left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]
    ) -> tuple[AbstractRestriction, AbstractRestriction]:
        num_rows, num_cols = self.stored.inner_shape
        shapes = [(num_rows, right.shape[1], *self._measured), (left.shape[1], num_cols, *self._measured)]
        factors = self._right_factor(right), self._left_factor(left)
        made = self._pass(sketch_both, shapes, *factors)
        return self._at_right(made[0], scale), self._at_left(made[1], scale)

    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "Streamed":
        maps = (_compose(self.row_map, row_map), _compose(self.col_map, col_map))
        return Streamed(self.stored, self.samples, self.users, self.first, *maps)

    def side_covariances(
        self, shares: Float[Array, "k n"]
    ) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
        num_rows, num_cols = self.stored.inner_shape
        maps = (
            jnp.eye(size, dtype=shares.dtype) if each is None else each
            for size, each in ((num_rows, self.row_map), (num_cols, self.col_map))
        )
        rows, cols = self._pass(second_moments, [(num_rows, num_rows), (num_cols, num_cols)], shares, *maps)
        rows, cols = rows / num_cols, cols / num_rows
        return rows, safe_divide(cols, jnp.broadcast_to(jnp.trace(rows) / num_rows, cols.shape))

    def take_samples(self, count: int) -> "Streamed":
        return dataclasses.replace(self, samples=min(count, self.samples))

    def take_users(self, users: slice) -> "Streamed":
        first, end, step = users.indices(self.users)
        if step != 1:
            raise ValueError(
                f"every {step}th user of {self.stored.path} cannot be had: only users who follow each other"
            )
        return dataclasses.replace(self, users=end - first, first=self.first + first)

    def sample_users(self, count: int) -> slice:
        # The file is read in whole blocks.
        return slice(0, count)

    def split_users(self) -> "Streamed":
        maps = (
            None if each is None else jnp.broadcast_to(each, (self.users, *each.shape))
            for each in (self.row_map, self.col_map)
        )
        return Streamed(self.stored, self.samples, 1, self.first + jnp.arange(self.users, dtype=jnp.int32), *maps)

    def merge_users(self) -> "Streamed":
        """As for every operator, of whole files only.

        Raises:
            ValueError: for some of the users or samples only, or users with unequal numbers of samples.
        """
        if self.stored.lengths != (self.samples,) * self.users:
            raise ValueError(
                f"{self.stored.path} can be merged as a whole only, with as many samples of each user: "
                f"these are {self.users} of its {len(self.stored.lengths)} users, {self.samples} samples each"
            )
        return Streamed(self.stored.merge_users(), self.users * self.samples, 1, self.first, self.row_map, self.col_map)

    @property
    def _measured(self) -> tuple[int, int]:
        return self.users, self.samples

    def _pass(self, kernel: Kernel, shapes: Sequence[tuple[int, ...]], *operands: Array) -> tuple[Array, ...]:
        """The arrays that a pass gives, in the precision of the operands."""
        dtype = operands[0].dtype
        results = tuple(jax.ShapeDtypeStruct(shape, dtype) for shape in shapes)
        run = _Pass(kernel, self.stored, self._measured)
        return tuple(jax.pure_callback(run, results, self.first, *operands, vmap_method="sequential"))

    def _right_factor(self, right: Float[Array, "d2 r2"]) -> Float[Array, "d2 r2"]:
        return right if self.col_map is None else contract("bc,cr->br", self.col_map, right)

    def _left_factor(self, left: Float[Array, "d1 r1"]) -> Float[Array, "d1 r1"]:
        return left if self.row_map is None else contract("ac,cr->ar", self.row_map, left)

    def _at_right(self, made: Float[Array, "d1 r2 k n"], scale: Float[Array, "k n"]) -> SketchRestriction:
        turned = made if self.row_map is None else contract("ca,crkn->arkn", self.row_map, made)
        return SketchRestriction(turned * scale[None, None], "arkn")

    def _at_left(self, made: Float[Array, "r1 d2 k n"], scale: Float[Array, "k n"]) -> SketchRestriction:
        turned = made if self.col_map is None else contract("cb,rckn->rbkn", self.col_map, made)
        return SketchRestriction(turned * scale[None, None], "rakn")

    def _turn(self, weights: Float[Array, "m d1 d2"]) -> Float[Array, "m d1 d2"]:
        if self.row_map is not None:
            weights = contract("ca,kcb->kab", self.row_map, weights)
        return weights if self.col_map is None else contract("kac,cb->kab", weights, self.col_map)


def _compose(inner: Float[Array, "d d"] | None, outer: Float[Array, "d d"] | None) -> Float[Array, "d d"] | None:
    if inner is None or outer is None:
        return outer if inner is None else inner
    return contract("ab,bc->ac", inner, outer)


@dataclasses.dataclass(frozen=True)
class _Pass:
    """One pass on the host, without JAX: it is called in the midst of a compiled program."""

    kernel: Kernel
    stored: StoredMatrices
    measured: tuple[int, int]

    def __call__(self, first: Any, *operands: Any) -> tuple[np.ndarray, ...]:
        arrays = [np.asarray(operand) for operand in operands]
        doubles = (array.astype(np.float64) for array in arrays)
        with np.errstate(all="ignore"):  # what is not finite is looked for; what overflows is a matter of the solver
            results = self.kernel(self.stored, int(np.asarray(first)), self.measured, *doubles)
            return tuple(result.astype(arrays[0].dtype, copy=False) for result in results)

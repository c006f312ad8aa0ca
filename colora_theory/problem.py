"""The data of all users, as a weighted least-squares problem."""

import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.checks import (
    OwnData,
    as_floats,
    as_indices,
    check_entries,
    check_lengths,
    check_shape,
    stack_users,
    stack_weights,
)
from colora_theory.display import Rows, Shown
from colora_theory.factors import Factors, check_rank
from colora_theory.frames import Frame, columns_as_arrays, smallest_shape, split_by_user, whole_as_integers
from colora_theory.linalg import contract, pad_axes, safe_divide
from colora_theory.output_moments import OutputMoments, compress_samples, share_weight
from colora_theory.sensing import (
    AbstractRestriction,
    AbstractSensing,
    Dense,
    EntryMask,
    RankOne,
    Streamed,
    VectorOutput,
)
from colora_theory.streaming import BLOCK_BYTES, open_matrices, plain_errors


class IdentifiabilityWarning(UserWarning):
    """The data cannot determine what is asked of them."""


class Problem(Shown):
    """Measurements of W_1 .. W_k, and the loss 1/2 sum_ij w_ij (y_ij - <A_ij, W_i>)^2.

    The constructor takes arrays as they are and can be traced. The checked doors for own data are `Problem.dense`,
    `Problem.streamed`, `Problem.rank_one`, `Problem.vector_output`, `Problem.from_moments` and `Problem.entries`;
    `Problem.from_frame` takes a table, and `Problem.from_arrays` chooses the door by the names of the arrays.

    Attributes:
        sensing: the measurement operator.
        targets: measurements less those of the frozen weight, y_ij - <A_ij, W_0>, shape (num_users, num_samples).
        sample_weights: w_ij >= 0, same shape; 0 marks padding where users have unequal numbers of samples.
        offset: the frozen weight W_0, shape (num_rows, num_cols), or None for zero.
    """

    sensing: AbstractSensing
    targets: Float[Array, "k n"]
    sample_weights: Float[Array, "k n"]
    offset: Float[Array, "d1 d2"] | None = None

    def facts(self) -> Rows:
        users, num_rows, num_cols = self.sensing.weights_shape
        return [
            ("measurements", f"{type(self.sensing).__name__}, {self.targets.shape[-1]} of each user at most"),
            ("users", str(users)),
            ("weights", f"{num_rows} x {num_cols}" + ("" if self.offset is None else ", with a frozen offset")),
            ("precision", str(self.targets.dtype)),
        ]

    @classmethod
    def dense(
        cls, A: OwnData, y: OwnData, *, sample_weights: OwnData | None = None, offset: np.ndarray | None = None
    ) -> "Problem":
        """A checked problem from dense sensing matrices.

        Args:
            A: sensing matrices, shape (k, n, d1, d2), or a sequence over users of arrays (n_i, d1, d2).
            y: measurements, shape (k, n), or a sequence over users of arrays (n_i,).
            sample_weights: nonnegative weights of the squared residuals, like `y`; all one if left out.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out.

        Raises:
            TypeError: for integer, half-precision or complex data.
            ValueError: if there are no users, if A and y disagree (naming the user), if a number is not finite
                (naming the place) or a weight is negative.
        """
        matrices, lengths = stack_users("A", A, inner_dims=3)
        measurements, y_lengths = stack_users("y", y, inner_dims=1)
        check_lengths("A", lengths, "y", y_lengths)
        weights = stack_weights(sample_weights, "A", lengths)
        dtype = np.result_type(matrices, measurements)
        return cls._of(Dense.from_matrices(jnp.asarray(matrices, dtype)), measurements, weights, offset, dtype)

    @classmethod
    def streamed(
        cls,
        A: str | os.PathLike[str],
        y: OwnData,
        *,
        sample_weights: OwnData | None = None,
        offset: np.ndarray | None = None,
        block_bytes: int = BLOCK_BYTES,
        drop_cache: bool | None = None,
    ) -> "Problem":
        """A checked problem from dense sensing matrices that stay in a file, in JAX's default precision.

        The file is read in every pass of a solver, see `sensing.Streamed`; what is not finite in it is found by the
        first one.

        Args:
            A: path of a .npy file or a zarr array of float32 or float64, shape (k, n, d1, d2), or (N, d1, d2) with the
                N samples of all users, user after user.
            y: measurements, shape (k, n), or a sequence over users of arrays (n_i,).
            sample_weights: nonnegative weights of the squared residuals, like `y`; all one if left out.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out. Takes a pass.
            block_bytes: what is read at a time.
            drop_cache: whether the system's cache is told to forget what was read, see `streaming.open_matrices`.

        Raises:
            StreamError: for a file that cannot be read.
            TypeError, ValueError: as `Problem.dense`.
        """
        measurements, lengths = stack_users("y", y, inner_dims=1)
        weights = stack_weights(sample_weights, "y", lengths)
        stored = open_matrices(A, lengths, block_bytes=block_bytes, drop_cache=drop_cache)
        with plain_errors():
            dtype = jax.dtypes.canonicalize_dtype(np.float64)
            return jax.block_until_ready(cls._of(Streamed.of(stored), measurements, weights, offset, dtype))

    @classmethod
    def rank_one(
        cls,
        a: OwnData,
        b: OwnData,
        y: OwnData,
        *,
        sample_weights: OwnData | None = None,
        offset: np.ndarray | None = None,
    ) -> "Problem":
        """A checked problem from bilinear forms, y_ij = a_ij^T W_i b_ij.

        Args:
            a: vectors, shape (k, n, d1), or a sequence over users of arrays (n_i, d1).
            b: vectors, shape (k, n, d2), or a sequence over users of arrays (n_i, d2).
            y: measurements, shape (k, n), or a sequence over users of arrays (n_i,).
            sample_weights: nonnegative weights of the squared residuals, like `y`; all one if left out.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out.

        Raises:
            TypeError, ValueError: as `Problem.dense`.
        """
        first, lengths = stack_users("a", a, inner_dims=2)
        second, b_lengths = stack_users("b", b, inner_dims=2)
        measurements, y_lengths = stack_users("y", y, inner_dims=1)
        check_lengths("a", lengths, "b", b_lengths)
        check_lengths("a", lengths, "y", y_lengths)
        weights = stack_weights(sample_weights, "a", lengths)
        dtype = np.result_type(first, second, measurements)
        sensing = RankOne.from_vectors(jnp.asarray(first, dtype), jnp.asarray(second, dtype))
        return cls._of(sensing, measurements, weights, offset, dtype)

    @classmethod
    def vector_output(
        cls, X: OwnData, Y: OwnData, *, sample_weights: OwnData | None = None, offset: np.ndarray | None = None
    ) -> "Problem":
        """A checked problem from inputs and outputs of linear layers, y_ij = W_i x_ij.

        Samples beyond d2 are replaced by d2 virtual ones of the same loss, up to a constant (a QR decomposition of each
        user's inputs): a step costs the same for any number of samples, and residuals are those of the virtual ones.

        Args:
            X: inputs, shape (k, n, d2), or a sequence over users of arrays (n_i, d2).
            Y: outputs, shape (k, n, d1), or a sequence over users of arrays (n_i, d1).
            sample_weights: nonnegative weights of the squared residuals, shape (k, n) or a sequence over users of
                arrays (n_i,); all one if left out.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out.

        Raises:
            TypeError, ValueError: as `Problem.dense`.
        """
        inputs, lengths = stack_users("X", X, inner_dims=2)
        outputs, y_lengths = stack_users("Y", Y, inner_dims=2)
        check_lengths("X", lengths, "Y", y_lengths)
        dtype = np.result_type(inputs, outputs)
        weights = stack_weights(sample_weights, "X", lengths).astype(dtype)
        if inputs.shape[1] > inputs.shape[2]:
            inputs, outputs, weights = compress_samples(inputs.astype(dtype), outputs.astype(dtype), weights)
        return cls._of_outputs(inputs, outputs, weights, offset, dtype)

    @classmethod
    def from_moments(cls, moments: OutputMoments, *, offset: np.ndarray | None = None) -> "Problem":
        """The problem of vector outputs of which only the moments were kept, in JAX's default precision.

        Args:
            moments: of all users.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out.

        Raises:
            ValueError: if no user has a sample.
        """
        if not moments.counts.any():
            raise ValueError("no user has a sample: at least 1 is needed")
        inputs, outputs, ranks = moments.compress()
        dtype = jax.dtypes.canonicalize_dtype(np.float64)
        return cls._of_outputs(*share_weight(inputs, outputs, ranks, moments.counts.astype(float)), offset, dtype)

    @classmethod
    def entries(
        cls,
        rows: OwnData,
        cols: OwnData,
        values: OwnData,
        shape: tuple[int, int],
        *,
        sample_weights: OwnData | None = None,
        offset: np.ndarray | None = None,
    ) -> "Problem":
        """A checked problem from single entries of the weights (matrix completion).

        Args:
            rows: integers in [0, d1), shape (k, n), or a sequence over users of arrays (n_i,).
            cols: integers in [0, d2), the same shape.
            values: of these entries, the same shape.
            shape: (d1, d2).
            sample_weights: nonnegative weights of the squared residuals, like `values`; all one if left out.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out.

        Raises:
            TypeError: for indices that are no integers, and as `Problem.dense`.
            ValueError: for an entry outside the matrix or given twice for a user, for a user without entries, and as
                `Problem.dense`.
        """
        shape = check_shape(shape)
        row_index, lengths = stack_users("rows", rows, 1, as_indices)
        col_index, col_lengths = stack_users("cols", cols, 1, as_indices)
        measurements, value_lengths = stack_users("values", values, inner_dims=1)
        check_lengths("rows", lengths, "cols", col_lengths)
        check_lengths("rows", lengths, "values", value_lengths)
        check_entries(row_index, col_index, lengths, shape)
        weights = stack_weights(sample_weights, "rows", lengths)
        sensing = EntryMask(jnp.asarray(row_index, jnp.int32), jnp.asarray(col_index, jnp.int32), shape)
        return cls._of(sensing, measurements, weights, offset, measurements.dtype)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, OwnData], *, shape: tuple[int, int] | None = None, offset: np.ndarray | None = None
    ) -> "Problem":
        """A checked problem by the door whose arguments have the names of these arrays.

        Args:
            arrays: A and y; a, b and y; X and Y; or rows, cols and values.
            shape: (d1, d2), for entries only; the smallest that has them if left out.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out.

        Raises:
            TypeError, ValueError: for other names, a shape beside them, and as the doors.
        """
        names = frozenset(arrays)
        if names == {"rows", "cols", "values"}:
            sides = smallest_shape(arrays["rows"], arrays["cols"]) if shape is None else shape
            return cls.entries(**arrays, shape=sides, offset=offset)
        doors: dict[frozenset[str], Callable[..., Problem]]
        doors = {frozenset("Ay"): cls.dense, frozenset("aby"): cls.rank_one, frozenset("XY"): cls.vector_output}
        if names not in doors:
            raise ValueError(f"arrays are {sorted(names)}; known: A, y; a, b, y; X, Y; rows, cols, values")
        if shape is not None:
            raise ValueError(f"shape {shape} was given beside {sorted(names)}, which have their own: leave it out")
        return doors[names](**arrays, offset=offset)

    @classmethod
    def from_frame(
        cls, frame: Frame, *, shape: tuple[int, int] | None = None, offset: np.ndarray | None = None
    ) -> "Problem":
        """A checked problem from a pandas DataFrame with one sample in each row, in JAX's default precision.

        Users are sorted, as integers if all of them are, else by their names; `user_names` tells them in that order.
        The samples of a user may be in any rows.

        Args:
            frame: columns user, y, a_1 .. a_d1, b_1 .. b_d2 (see `Problem.rank_one`); user, x_1 .. x_d2, y_1 .. y_d1
                (`Problem.vector_output`); or user, row, col, value, counted from 0 (`Problem.entries`); in any order.
            shape: (d1, d2), for entries only; the smallest that has them if left out.
            offset: the frozen weight W_0, shape (d1, d2); zero if left out.

        Raises:
            TypeError: for what is no DataFrame.
            ValueError: for other columns, a missing user, or a cell that is no finite number, naming column and row
                (the first is 1); and as the doors.
        """
        columns = columns_as_arrays(frame)
        _, arrays = split_by_user(
            columns.pop("user"),
            {name: whole_as_integers(each) if name in ("rows", "cols") else each for name, each in columns.items()},
        )
        return cls.from_arrays(arrays, shape=shape, offset=offset)

    @classmethod
    def _of(
        cls,
        sensing: AbstractSensing,
        measurements: np.ndarray,
        weights: np.ndarray,
        offset: np.ndarray | None,
        dtype: Any,
    ) -> "Problem":
        targets = jnp.asarray(measurements, dtype)
        if offset is None:
            return cls(sensing, targets, jnp.asarray(weights, dtype))
        frozen = jnp.asarray(as_floats("offset", offset), dtype)
        if frozen.shape != sensing.weights_shape[1:]:
            raise ValueError(f"offset has shape {frozen.shape}, the weights have {sensing.weights_shape[1:]}")
        targets = targets - sensing(jnp.broadcast_to(frozen, sensing.weights_shape))
        if not jnp.isfinite(targets).all():
            raise ValueError(f"the measurements of offset are not finite in {dtype}: numbers of this size overflow")
        return cls(sensing, targets, jnp.asarray(weights, dtype), frozen)

    @classmethod
    def _of_outputs(
        cls, inputs: np.ndarray, outputs: np.ndarray, weights: np.ndarray, offset: np.ndarray | None, dtype: Any
    ) -> "Problem":
        num_users, num_rows = len(outputs), outputs.shape[2]
        sensing = VectorOutput(jnp.asarray(inputs, dtype), num_rows)
        flat = outputs.reshape(num_users, -1)
        return cls._of(sensing, flat, np.repeat(weights, num_rows, axis=1), offset, dtype)

    @property
    def scale(self) -> Float[Array, "k n"]:
        """Square roots of the sample weights: the factor that turns the loss into a plain sum of squares."""
        return jnp.sqrt(self.sample_weights)

    @property
    def scaled_targets(self) -> Float[Array, "k n"]:
        """The targets, each multiplied by its scale."""
        return self.targets * self.scale

    def restrict_right(self, right: Float[Array, "d2 r2"]) -> AbstractRestriction:
        """The scaled operator at fixed V."""
        return self.sensing.restrict_right(right, self.scale)

    def restrict_left(self, left: Float[Array, "d1 r1"]) -> AbstractRestriction:
        """The scaled operator at fixed U."""
        return self.sensing.restrict_left(left, self.scale)

    def restrict_both(
        self, left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"]
    ) -> tuple[AbstractRestriction, AbstractRestriction]:
        """The scaled operator at fixed V, and at fixed U."""
        return self.sensing.restrict_both(left, right, self.scale)

    def residual(self, factors: Factors) -> Float[Array, "k n"]:
        """Scaled residuals sqrt(w_ij) (target_ij - <A_ij, U C_i V^T>)."""
        products = contract("ar,krs->kas", factors.left, factors.cores)
        return self.scaled_targets - self.restrict_right(factors.right)(products)

    def loss(self, factors: Factors) -> Float[Array, ""]:
        """Half the weighted sum of squared residuals."""
        return 0.5 * jnp.sum(jnp.square(self.residual(factors)))

    def moments(self) -> Float[Array, "k d1 d2"]:
        """M_i = f sum_j w_ij target_ij A_ij / sum_j w_ij, f being the `moment_factor` of the operator.

        Unbiased for the adapter W_i - W_0 under the operator's isotropic design. Zero for a user without samples.
        """
        return self.sensing.moments(self.targets, self.sample_weights)

    def pooled_moment(self) -> Float[Array, "d1 d2"]:
        """The mean of the moments, every user with its share of the total weight."""
        totals = jnp.sum(self.sample_weights, axis=1)
        share = safe_divide(totals, jnp.broadcast_to(jnp.sum(totals), totals.shape))
        return contract("k,kab->ab", share, self.moments())

    def take_samples(self, count: int) -> "Problem":
        """The problem of the first `count` scalar measurements of every user, rounded up to whole samples."""
        sensing = self.sensing.take_samples(count)
        first = (slice(None), slice(sensing.num_samples))
        return Problem(sensing, self.targets[first], self.sample_weights[first], self.offset)

    def take_users(self, users: slice) -> "Problem":
        """The problem of some users.

        Raises:
            ValueError: if the operator cannot leave users out.
        """
        return Problem(self.sensing.take_users(users), self.targets[users], self.sample_weights[users], self.offset)

    def pad(self, num_users: int, num_samples: int) -> "Problem":
        """The problem with further users and samples of weight zero, to these numbers (rounded up to whole samples).

        Raises:
            ValueError: for fewer than there are, or an operator that cannot grow.
        """
        present = self.targets.shape
        if num_users < present[0] or num_samples < present[1]:
            raise ValueError(
                f"{(num_users, num_samples)} users and samples are fewer than the {present} present: padding only adds"
            )
        sensing = self.sensing.pad(num_users, num_samples)
        sizes = {0: num_users, 1: sensing.num_samples}
        return Problem(sensing, pad_axes(self.targets, sizes), pad_axes(self.sample_weights, sizes), self.offset)

    def split_users(self) -> "Problem":
        """One problem for each user, stacked along a new leading axis of every array: vmap over it."""
        axis = (slice(None), None)
        offset = self.offset if self.offset is None else jnp.broadcast_to(self.offset, self.sensing.weights_shape)
        return eqx.tree_at(
            lambda problem: (problem.sensing, problem.targets, problem.sample_weights, problem.offset),
            self,
            (self.sensing.split_users(), self.targets[axis], self.sample_weights[axis], offset),
            is_leaf=lambda leaf: leaf is None,
        )

    def merge_users(self) -> "Problem":
        """All samples as those of a single user."""
        targets, weights = self.targets.reshape(1, -1), self.sample_weights.reshape(1, -1)
        return Problem(self.sensing.merge_users(), targets, weights, self.offset)

    def check_rank(self, rank: int | tuple[int, int]) -> tuple[int, int]:
        """(r1, r2), if this problem can have it at all; see `factors.check_rank` for the errors."""
        return check_rank(rank, *self.sensing.weights_shape)

    def warn_if_unidentifiable(self, rank: int | tuple[int, int]) -> None:
        """Warns of users with fewer measurements than their core needs, and of rows and columns with too few entries.

        Needs concrete arrays.

        Meant for data without weights of their own: to give a user none is a deliberate choice.
        """
        pair = self.check_rank(rank)
        needed = self.sensing.measurements_of_core(pair)
        present = np.asarray(self.sample_weights) > 0
        told = _name_few("user", np.count_nonzero(present, axis=1), needed)
        if told:
            _warn(f"a core of rank {pair} needs {needed} measurements to be identifiable, but {told}")
        if isinstance(self.sensing, EntryMask):
            lines = self.sensing.line_weights(jnp.asarray(present, self.targets.dtype))
            for name, counts, size in zip(("row", "column"), lines, pair, strict=True):
                told = _name_few(name, np.asarray(counts).astype(int), size)
                if told:
                    _warn(f"rank {pair} needs {size} entries in every {name} to be identifiable, but {told}")


def _name_few(kind: str, counts: np.ndarray, needed: int) -> str:
    """The first that have fewer than needed; empty if none has."""
    few = np.flatnonzero(counts < needed)
    more = f" (and {few.size - 3} more)" if few.size > 3 else ""
    return ", ".join(f"{kind} {place} has {counts[place]}" for place in few[:3]) + more


def _warn(message: str) -> None:
    # At the line that called the caller of `warn_if_unidentifiable`.
    warnings.warn(message, IdentifiabilityWarning, stacklevel=4)

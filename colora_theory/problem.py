"""The data of all users, as a weighted least-squares problem."""

import warnings
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.factors import Factors, check_rank
from colora_theory.linalg import contract
from colora_theory.sensing import AbstractRestriction, AbstractSensing, Dense


class IdentifiabilityWarning(UserWarning):
    """The data cannot determine what is asked of them."""


class Problem(eqx.Module):
    """Measurements of W_1 .. W_k, and the loss 1/2 sum_ij w_ij (y_ij - <A_ij, W_i>)^2.

    The constructor takes arrays as they are and can be traced; `Problem.dense` is the checked door for own data.

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

    @classmethod
    def dense(
        cls,
        A: np.ndarray | Sequence[np.ndarray],
        y: np.ndarray | Sequence[np.ndarray],
        *,
        sample_weights: np.ndarray | Sequence[np.ndarray] | None = None,
        offset: np.ndarray | None = None,
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
        matrices, lengths = _stack_users("A", A, inner_dims=3)
        measurements, y_lengths = _stack_users("y", y, inner_dims=1)
        _check_users("A", lengths, "y", y_lengths)
        if max(lengths) == 0:
            raise ValueError("no user has a sample: at least 1 is needed")
        if sample_weights is None:
            weights = (np.arange(measurements.shape[1]) < np.asarray(lengths)[:, None]).astype(measurements.dtype)
        else:
            weights, weight_lengths = _stack_users("sample_weights", sample_weights, inner_dims=1)
            _check_users("A", lengths, "sample_weights", weight_lengths)
            if (weights < 0).any():
                user, sample = np.argwhere(weights < 0)[0]
                raise ValueError(f"sample_weights of user {user}, sample {sample} is {weights[user, sample]} < 0")
        dtype = np.result_type(matrices, measurements)
        sensing = Dense.from_matrices(jnp.asarray(matrices, dtype))
        targets = jnp.asarray(measurements, dtype)
        if offset is None:
            return cls(sensing, targets, jnp.asarray(weights, dtype))
        frozen = jnp.asarray(_floats("offset", offset), dtype)
        if frozen.shape != sensing.weights_shape[1:]:
            raise ValueError(f"offset has shape {frozen.shape}, the weights have {sensing.weights_shape[1:]}")
        targets = targets - sensing(jnp.broadcast_to(frozen, sensing.weights_shape))
        return cls(sensing, targets, jnp.asarray(weights, dtype), frozen)

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

    def residual(self, factors: Factors) -> Float[Array, "k n"]:
        """Scaled residuals sqrt(w_ij) (target_ij - <A_ij, U C_i V^T>)."""
        products = contract("ar,krs->kas", factors.left, factors.cores)
        return self.scaled_targets - self.restrict_right(factors.right)(products)

    def loss(self, factors: Factors) -> Float[Array, ""]:
        """Half the weighted sum of squared residuals."""
        return 0.5 * jnp.sum(jnp.square(self.residual(factors)))

    def moments(self) -> Float[Array, "k d1 d2"]:
        """M_i = sum_j w_ij target_ij A_ij / sum_j w_ij.

        Unbiased for the adapter W_i - W_0 under an isotropic design of unit variance.

        Zero for a user without samples.
        """
        totals = jnp.sum(self.sample_weights, axis=1)
        share = self.sample_weights / jnp.where(totals == 0, 1.0, totals)[:, None]
        return self.sensing.adjoint(share * self.targets)

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
        """Warns of users with fewer samples than their core has entries. Needs concrete arrays.

        Meant for data without weights of their own: to give a user none is a deliberate choice.
        """
        r1, r2 = self.check_rank(rank)
        counts = np.count_nonzero(np.asarray(self.sample_weights), axis=1)
        few = np.flatnonzero(counts < r1 * r2)
        if few.size:
            named = ", ".join(f"user {user} has {counts[user]}" for user in few[:3])
            more = f" (and {few.size - 3} more)" if few.size > 3 else ""
            warnings.warn(
                f"a core of rank {(r1, r2)} needs {r1 * r2} samples to be identifiable, but {named}{more}",
                IdentifiabilityWarning,
                stacklevel=3,
            )


def _floats(name: str, values: Any) -> np.ndarray:
    """A float32 or float64 array with finite entries, or the reason why not."""
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} has dtype {array.dtype}: float32 or float64 is needed (for instance .astype(float))")
    if not np.isfinite(array).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} is {array[place]} at index {place}: data must be finite")
    return array


def _stack_users(name: str, values: Any, inner_dims: int) -> tuple[np.ndarray, list[int]]:
    """One array for all users, padded with zeros, and the number of samples of each."""
    if hasattr(values, "shape"):
        array = _floats(name, values)
        if array.ndim != inner_dims + 1:
            raise ValueError(f"{name} has shape {array.shape}: {inner_dims + 1} axes are needed, users first")
        _check_not_empty(name, array.shape[0], list(array.shape[2:]))
        return array, [array.shape[1]] * array.shape[0]
    if not isinstance(values, Sequence):
        raise TypeError(f"{name} is {type(values).__name__}: an array, or a sequence of arrays, one for each user")
    users = [_floats(f"{name} of user {user}", value) for user, value in enumerate(values)]
    _check_not_empty(name, len(users), [])
    for user, array in enumerate(users):
        if array.ndim != inner_dims or array.shape[1:] != users[0].shape[1:]:
            expected = ("n", *users[0].shape[1:]) if user else f"{inner_dims} axes, samples first"
            raise ValueError(f"{name} of user {user} has shape {array.shape}, expected {expected}")
    lengths = [len(array) for array in users]
    stacked = np.zeros((len(users), max(lengths), *users[0].shape[1:]), np.result_type(*users))
    for user, array in enumerate(users):
        stacked[user, : len(array)] = array
    return stacked, lengths


def _check_not_empty(name: str, num_users: int, inner_shape: list[int]) -> None:
    if num_users == 0:
        raise ValueError(f"{name} has 0 users: at least 1 is needed")
    if 0 in inner_shape:
        raise ValueError(f"{name} holds matrices of shape {tuple(inner_shape)}: each side must be at least 1")


def _check_users(first: str, first_lengths: list[int], second: str, second_lengths: list[int]) -> None:
    if len(first_lengths) != len(second_lengths):
        raise ValueError(f"{first} has {len(first_lengths)} users, {second} has {len(second_lengths)}")
    for user, (a, b) in enumerate(zip(first_lengths, second_lengths, strict=True)):
        if a != b:
            raise ValueError(f"user {user} has {a} samples in {first} and {b} in {second}")

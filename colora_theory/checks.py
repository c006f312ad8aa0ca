"""Checks at the door: own data as arrays, or the reason why not, naming user and place."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

# One array with users leading, or one array for each user.
OwnData = np.ndarray | Sequence[np.ndarray]
# Sizes and places of entries are kept in 32 bits.
_LARGEST_SIDE = 2**31 - 1


def _as_array(name: str, values: Any) -> np.ndarray:
    if _is_masked(values):
        raise TypeError(f"{name} is a masked array: leave masked samples out, or give them the sample weight 0")
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} is no array: {error}") from None


def _is_masked(values: Any) -> bool:
    if isinstance(values, list | tuple):
        return any(map(_is_masked, values))
    return isinstance(values, np.ma.MaskedArray)


def as_floats(name: str, values: Any) -> np.ndarray:
    """A float32 or float64 array with finite entries.

    Raises:
        TypeError: for another kind of numbers, or a masked array, whose mask would be lost.
        ValueError: for lists that make no array, or a number that is not finite, naming the place.
    """
    array = _as_array(name, values)
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} has dtype {array.dtype}: float32 or float64 is needed (for instance .astype(float))")
    if not np.isfinite(array).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} is {array[place]} at index {place}: data must be finite")
    return array


def as_indices(name: str, values: Any) -> np.ndarray:
    """An array of integers.

    Raises:
        TypeError: for another kind of numbers, or a masked array, whose mask would be lost.
        ValueError: for lists that make no array.
    """
    array = _as_array(name, values)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name} has dtype {array.dtype}: integers are needed")
    return array


def stack_users(
    name: str, values: Any, inner_dims: int, as_array: Callable[[str, Any], np.ndarray] = as_floats
) -> tuple[np.ndarray, list[int]]:
    """One array for all users, padded with zeros, and the number of samples of each.

    Args:
        name: what the errors call it.
        values: an array with users and samples as the leading axes, or a sequence over users of arrays.
        inner_dims: axes of one user's array, samples included.
        as_array: checks the numbers.

    Raises:
        TypeError, ValueError: for no users, wrong axes, or numbers that `as_array` does not take.
    """
    if hasattr(values, "shape"):
        array = as_array(name, values)
        if array.ndim != inner_dims + 1:
            raise ValueError(f"{name} has shape {array.shape}: {inner_dims + 1} axes are needed, users first")
        _check_not_empty(name, array.shape[0], array.shape[2:])
        return array, [array.shape[1]] * array.shape[0]
    if not isinstance(values, Sequence):
        raise TypeError(f"{name} is {type(values).__name__}: an array, or a sequence of arrays, one for each user")
    users = [as_array(f"{name} of user {user}", value) for user, value in enumerate(values)]
    for user, array in enumerate(users):
        if array.ndim != inner_dims or array.shape[1:] != users[0].shape[1:]:
            expected = ("n", *users[0].shape[1:]) if user else f"{inner_dims} axes, samples first"
            raise ValueError(f"{name} of user {user} has shape {array.shape}, expected {expected}")
    _check_not_empty(name, len(users), users[0].shape[1:] if users else ())
    lengths = [len(array) for array in users]
    stacked = np.zeros((len(users), max(lengths), *users[0].shape[1:]), np.result_type(*users))
    for user, array in enumerate(users):
        stacked[user, : len(array)] = array
    return stacked, lengths


def stack_weights(values: OwnData | None, name: str, lengths: list[int]) -> Float[np.ndarray, "k n"]:
    """Weights of the samples, all one if left out, zero for padding.

    Args:
        values: the weights, or None.
        name: of the data they belong to.
        lengths: the number of samples of each user.

    Raises:
        TypeError, ValueError: see `stack_users`, and for a negative weight, other lengths, or no sample at all.
    """
    if max(lengths) == 0:
        raise ValueError("no user has a sample: at least 1 is needed")
    if values is None:
        return (np.arange(max(lengths)) < np.asarray(lengths)[:, None]).astype(np.float32)
    weights, weight_lengths = stack_users("sample_weights", values, inner_dims=1)
    check_lengths(name, lengths, "sample_weights", weight_lengths)
    if (weights < 0).any():
        user, sample = np.argwhere(weights < 0)[0]
        raise ValueError(f"sample_weights of user {user}, sample {sample} is {weights[user, sample]} < 0")
    return weights


def check_lengths(first: str, first_lengths: list[int], second: str, second_lengths: list[int]) -> None:
    """That two kinds of data are of the same users with the same numbers of samples.

    Raises:
        ValueError: naming the first user for whom it is not so.
    """
    if len(first_lengths) != len(second_lengths):
        raise ValueError(f"{first} has {len(first_lengths)} users, {second} has {len(second_lengths)}")
    for user, (a, b) in enumerate(zip(first_lengths, second_lengths, strict=True)):
        if a != b:
            raise ValueError(f"user {user} has {a} samples in {first} and {b} in {second}")


def check_shape(shape: Any) -> tuple[int, int]:
    """The sides (num_rows, num_cols) of a matrix.

    Raises:
        ValueError: for what is no pair of positive integers, or larger than 32 bits hold.
    """
    try:
        sides = tuple(map(operator.index, shape))
    except TypeError:
        sides = ()
    if len(sides) != 2 or min(sides) < 1 or max(sides) > _LARGEST_SIDE:
        raise ValueError(f"shape {shape!r} is not a pair of integers, each at least 1 and at most {_LARGEST_SIDE}")
    return sides


def check_entries(rows: np.ndarray, cols: np.ndarray, lengths: list[int], shape: tuple[int, int]) -> None:
    """That every user has entries, all of them inside the matrix and none twice.

    Args:
        rows: of the entries, padded, shape (num_users, num_samples).
        cols: the same shape.
        lengths: the number of entries of each user.
        shape: of the matrix.

    Raises:
        ValueError: naming user, sample and entry.
    """
    for user, length in enumerate(lengths):
        if length == 0:
            raise ValueError(f"user {user} has no entry: at least 1 is needed")
        for name, index, size in (("rows", rows, shape[0]), ("cols", cols, shape[1])):
            outside = np.flatnonzero((index[user, :length] < 0) | (index[user, :length] >= size))
            if outside.size:
                sample = int(outside[0])
                raise ValueError(
                    f"{name} of user {user}, sample {sample} is {index[user, sample]}: outside [0, {size - 1}]"
                )
        flat = rows[user, :length].astype(np.int64) * shape[1] + cols[user, :length]
        entries, counts = np.unique(flat, return_counts=True)
        if (counts > 1).any():
            entry = divmod(int(entries[np.argmax(counts > 1)]), shape[1])
            raise ValueError(f"user {user} has the entry {entry} {counts.max()} times: once is allowed")


def _check_not_empty(name: str, num_users: int, inner_shape: tuple[int, ...]) -> None:
    if num_users == 0:
        raise ValueError(f"{name} has 0 users: at least 1 is needed")
    if 0 in inner_shape:
        raise ValueError(f"{name} holds samples of shape {tuple(inner_shape)}: each side must be at least 1")

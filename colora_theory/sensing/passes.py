"""Passes over matrices in a file: what the host multiplies, block by block, in float64.

A kernel takes the file, the first user, (num_users, num_samples), and the small operands of the product. Samples that a
user has not count as zero.
"""

from collections.abc import Callable, Iterator

import numpy as np

from colora_theory.streaming import Piece, StoredMatrices

Kernel = Callable[..., tuple[np.ndarray, ...]]


def measure(
    stored: StoredMatrices, first: int, measured: tuple[int, int], weights: np.ndarray
) -> tuple[np.ndarray, ...]:
    """<A_ij, W_i> for weights of shape (k, d1, d2)."""
    found = np.zeros(measured)
    for block, matrices in stored.read(first, *measured):
        for piece, own in _users(block, matrices):
            product = own.reshape(len(own), -1) @ weights[piece.user].reshape(-1)
            found[piece.user, piece.sample : piece.sample + piece.length] = product
            _check(stored, first, block, matrices, product)
    return (found,)


def adjoint(
    stored: StoredMatrices, first: int, measured: tuple[int, int], measurements: np.ndarray
) -> tuple[np.ndarray, ...]:
    """sum_j m_ij A_ij for measurements of shape (k, n)."""
    found = np.zeros((measured[0], *stored.inner_shape))
    for block, matrices in stored.read(first, *measured):
        for piece, own in _users(block, matrices):
            factors = measurements[piece.user, piece.sample : piece.sample + piece.length]
            product = factors @ own.reshape(len(own), -1)
            found[piece.user] += product.reshape(stored.inner_shape)
            _check(stored, first, block, matrices, product)
    return (found,)


def pooled_adjoint(
    stored: StoredMatrices, first: int, measured: tuple[int, int], measurements: np.ndarray
) -> tuple[np.ndarray, ...]:
    """sum_ij m_ij A_ij for several sets of measurements, shape (m, k, n)."""
    flat = measurements.reshape(len(measurements), -1)
    found = np.zeros((len(flat), *stored.inner_shape))
    for block, matrices in stored.read(first, *measured):
        product = flat[:, _places(block, measured[1])] @ matrices.reshape(len(matrices), -1)
        found += product.reshape(found.shape)
        _check(stored, first, block, matrices, product)
    return (found,)


def sketch_right(
    stored: StoredMatrices, first: int, measured: tuple[int, int], right: np.ndarray
) -> tuple[np.ndarray, ...]:
    """A_ij V for V of shape (d2, r2), as an array of shape (d1, r2, k, n)."""
    return _sketches(stored, first, measured, right=right)


def sketch_left(
    stored: StoredMatrices, first: int, measured: tuple[int, int], left: np.ndarray
) -> tuple[np.ndarray, ...]:
    """U^T A_ij for U of shape (d1, r1), as an array of shape (r1, d2, k, n)."""
    return _sketches(stored, first, measured, left=left)


def sketch_both(
    stored: StoredMatrices, first: int, measured: tuple[int, int], right: np.ndarray, left: np.ndarray
) -> tuple[np.ndarray, ...]:
    """A_ij V and U^T A_ij, in one pass."""
    return _sketches(stored, first, measured, right=right, left=left)


def _sketches(
    stored: StoredMatrices, first: int, measured: tuple[int, int], **factors: np.ndarray
) -> tuple[np.ndarray, ...]:
    (num_rows, num_cols), total = stored.inner_shape, measured[0] * measured[1]
    found = {
        side: np.zeros((num_rows, factor.shape[1], total) if side == "right" else (factor.shape[1], num_cols, total))
        for side, factor in factors.items()
    }
    for block, matrices in stored.read(first, *measured):
        places = _places(block, measured[1])
        for side, factor in factors.items():
            # Matrix by matrix: one product of all would set BLAS's threads against the one that reads.
            product = matrices @ factor if side == "right" else factor.T @ matrices
            _check(stored, first, block, matrices, product)
            found[side][..., places] = product.transpose(1, 2, 0)
    return tuple(each.reshape(*each.shape[:2], *measured) for each in found.values())


def second_moments(
    stored: StoredMatrices,
    first: int,
    measured: tuple[int, int],
    shares: np.ndarray,
    row_map: np.ndarray,
    col_map: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """sum_ij s_ij B_ij B_ij^T and sum_ij s_ij B_ij^T B_ij, for B = R^T A C and shares of shape (k, n)."""
    rows, cols = (np.zeros((size, size)) for size in stored.inner_shape)
    for block, matrices in stored.read(first, *measured):
        turned = row_map.T @ matrices @ col_map
        weighed = turned * shares.reshape(-1)[_places(block, measured[1]), None, None]
        rows += np.tensordot(weighed, turned, axes=((0, 2), (0, 2)))
        cols += np.tensordot(weighed, turned, axes=((0, 1), (0, 1)))
        _check(stored, first, block, matrices, turned)
    return rows, cols


def _users(block: tuple[Piece, ...], matrices: np.ndarray) -> Iterator[tuple[Piece, np.ndarray]]:
    done = 0
    for piece in block:
        yield piece, matrices[done : done + piece.length]
        done += piece.length


def _places(block: tuple[Piece, ...], num_samples: int) -> slice | np.ndarray:
    """Where the matrices of a block stand among the samples of all users, padding included."""
    starts = [piece.user * num_samples + piece.sample for piece in block]
    ends = [start + piece.length for start, piece in zip(starts, block, strict=True)]
    if starts[1:] == ends[:-1]:
        return slice(starts[0], ends[-1])
    return np.concatenate([np.arange(start, end) for start, end in zip(starts, ends, strict=True)])


def _check(
    stored: StoredMatrices, first: int, block: tuple[Piece, ...], matrices: np.ndarray, product: np.ndarray
) -> None:
    """A number that is not finite makes some product so: only then are the matrices searched."""
    if not np.isfinite(product).all():
        stored.check_finite(first, block, matrices)

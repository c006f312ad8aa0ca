"""From a path to the matrices in it, checked."""

import os
import tokenize
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from colora_theory.streaming.errors import StreamError, told
from colora_theory.streaming.memory import available_memory
from colora_theory.streaming.npy import NpyMatrices
from colora_theory.streaming.stored import StoredMatrices, file_version
from colora_theory.streaming.zarr_arrays import ZarrMatrices, open_zarr, zarr_version

# What a block holds by default, in bytes. Two blocks are in memory at a time.
BLOCK_BYTES = 2**23
# A block of whole zarr chunks may hold this many times as much.
_LARGEST = 32
# How .npy files begin.
_MAGIC = b"\x93NUMPY"
# A file above this share of the available memory is dropped from the system's cache as it is read.
_KEPT = 0.5


def open_matrices(
    path: str | os.PathLike[str],
    lengths: Sequence[int] | None = None,
    *,
    block_bytes: int = BLOCK_BYTES,
    drop_cache: bool | None = None,
) -> StoredMatrices:
    """The matrices of a file, of which only the head is read.

    Args:
        path: of a .npy file, or of a zarr array (a folder; needs the extra `zarr`), of
            shape (num_users, num_samples, num_rows, num_cols), or (samples of all users, num_rows, num_cols), user
            after user.
        lengths: the number of samples of each user, where the file does not tell.
        block_bytes: what a block may hold; two are in memory at a time.
        drop_cache: whether the system's cache is told to forget what was read; by default if the file is larger than
            half of the available memory. Only for .npy files.

    Raises:
        StreamError: for a file that cannot be read or is not of this kind.
        TypeError: for another kind of numbers than float32 and float64.
        ValueError: for another shape, for lengths that do not fit it, or a block without bytes.
    """
    path = Path(path).absolute()
    if block_bytes < 1:
        raise ValueError(f"block_bytes {block_bytes} is below 1")
    zarr_array = path.is_dir()
    try:
        stored: Any = open_zarr(path) if zarr_array else _open_npy(path)
        version = zarr_version(path, stored) if zarr_array else file_version(path)
    except (OSError, ValueError, OverflowError, EOFError, SyntaxError, tokenize.TokenError) as error:
        raise StreamError(f"{path} cannot be read: {told(error)}") from None
    shape = tuple(int(size) for size in stored.shape)
    if stored.dtype not in (np.float32, np.float64):
        raise TypeError(f"{path} has dtype {stored.dtype}: float32 or float64 is needed, in this machine's byte order")
    if len(shape) not in (3, 4) or 0 in shape:
        raise ValueError(f"{path} has shape {shape}: (users, samples, rows, columns) is needed, each at least 1")
    if not zarr_array and not stored.flags.c_contiguous:
        raise ValueError(f"{path} is stored column by column: save it again with np.ascontiguousarray")
    common = (
        path,
        _lengths(path, shape, lengths),
        (shape[-2], shape[-1]),
        np.dtype(stored.dtype),
        version,
        block_bytes,
    )
    if zarr_array:
        array = ZarrMatrices(*common, False, shape, tuple(int(size) for size in stored.chunks))
        if array.granule > 1 and array.granule * array.row_bytes > _LARGEST * block_bytes:
            raise ValueError(
                f"{path} has chunks of shape {array.chunks}, of which {array.granule} matrices would be read at once: "
                "store it in chunks of whole users, or of the samples of one user"
            )
        return array
    drop = path.stat().st_size > _KEPT * available_memory() if drop_cache is None else drop_cache
    return NpyMatrices(*common, drop, int(stored.offset))


def _open_npy(path: Path) -> np.ndarray:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("it is neither a .npy file nor the folder of a zarr array")
    mapped: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped


def _lengths(path: Path, shape: tuple[int, ...], lengths: Sequence[int] | None) -> tuple[int, ...]:
    if len(shape) == 4:
        found = (shape[1],) * shape[0]
        if lengths is None or found == tuple(lengths):
            return found
        if len(lengths) != shape[0]:
            raise ValueError(f"{path} has {shape[0]} users, the measurements have {len(lengths)}")
        user = next(user for user, length in enumerate(lengths) if length != shape[1])
        raise ValueError(f"user {user} has {shape[1]} samples in {path} and {lengths[user]} measurements")
    if lengths is None:
        raise ValueError(f"{path} has shape {shape}: the number of samples of each user is needed, too")
    if sum(lengths) != shape[0]:
        raise ValueError(f"{path} has {shape[0]} samples of all users, the measurements are {sum(lengths)}")
    return tuple(int(length) for length in lengths)

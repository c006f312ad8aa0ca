"""Matrices in a zarr array."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from colora_theory.streaming.errors import StreamError, told
from colora_theory.streaming.stored import Reader, StoredMatrices, file_version


@dataclasses.dataclass(frozen=True)
class ZarrMatrices(StoredMatrices):
    """Matrices in a zarr array; blocks are made of its whole chunks.

    Attributes:
        shape: of the array: (num_users, num_samples, num_rows, num_cols), or all matrices in a row.
        chunks: of the array.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]

    @property
    def granule(self) -> int:
        samples = self.chunks[-3]
        if len(self.shape) == 3 or (self.chunks[0] == 1 and self.shape[1] % samples == 0):
            return samples
        return self.chunks[0] * self.shape[1]

    def current_version(self) -> tuple[int, ...]:
        return zarr_version(self.path, open_zarr(self.path))

    @contextlib.contextmanager
    def open(self) -> Iterator[Reader]:
        array = open_zarr(self.path)

        def read(row: int, out: np.ndarray) -> None:
            try:
                for where, part in self._boxes(row, len(out)):
                    out[part] = array[where].reshape(-1, *self.inner_shape)
            except Exception as error:  # whatever a codec raises on bytes that are not its own
                raise StreamError(f"{self.path} cannot be read at matrix {row}: {told(error)}") from None

        yield read

    def _boxes(self, row: int, length: int) -> Iterator[tuple[tuple[slice, ...], slice]]:
        """Boxes of the array and their places among the matrices from `row` on."""
        if len(self.shape) == 3:
            yield (slice(row, row + length),), slice(0, length)
            return
        done, per_user = 0, self.shape[1]
        while done < length:
            user, sample = divmod(row + done, per_user)
            whole = (length - done) // per_user if sample == 0 else 0
            take = whole * per_user or min(per_user - sample, length - done)
            yield (
                (slice(user, user + max(whole, 1)), slice(sample, sample + take // max(whole, 1))),
                slice(done, done + take),
            )
            done += take


def open_zarr(path: Path) -> Any:
    """The array of a folder.

    Raises:
        StreamError: if zarr is not installed.
        OSError, ValueError: if there is no array.
    """
    try:
        import zarr
    except ImportError:
        raise StreamError(
            f"{path} is a folder: zarr arrays need the extra, pip install 'colora-theory[zarr]'"
        ) from None
    return zarr.open_array(str(path), mode="r")


def zarr_version(path: Path, array: Any) -> tuple[int, ...]:
    """What tells an array from itself after a change."""
    # A chunk that is missing reads as zeros: a lost one shows in their number only.
    heads = [path / name for name in ("zarr.json", ".zarray")]
    return *next(file_version(head) for head in heads if head.exists()), int(array.nchunks_initialized)

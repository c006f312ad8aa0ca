"""Sensing matrices in a file: what is read at a time, and the pass over all of them."""

import abc
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from colora_theory.streaming.errors import StreamError, told

Reader = Callable[[int, np.ndarray], None]


@dataclasses.dataclass(frozen=True)
class Piece:
    """Matrices of one user that lie side by side in a file.

    Attributes:
        user: counted from the first user that is read.
        sample: the first one.
        row: its place in the file.
        length: how many.
    """

    user: int
    sample: int
    row: int
    length: int


@dataclasses.dataclass(frozen=True)
class StoredMatrices(abc.ABC):
    """The sensing matrices of all users in a file, user after user.

    Attributes:
        path: of the file.
        lengths: the number of samples of each user.
        inner_shape: (num_rows, num_cols).
        dtype: float32 or float64; blocks are given in float64 whatever it is.
        version: tells the file from another one, or from itself after a change.
        block_bytes: what a block may hold at most, unless a single matrix is larger.
        drop_cache: whether the system's cache is told to forget what was read.
    """

    path: Path
    lengths: tuple[int, ...]
    inner_shape: tuple[int, int]
    dtype: np.dtype
    version: tuple[int, ...]
    block_bytes: int
    drop_cache: bool

    @property
    def nbytes(self) -> int:
        """Bytes of all matrices, uncompressed."""
        return sum(self.lengths) * self.row_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes of one matrix."""
        return self.inner_shape[0] * self.inner_shape[1] * self.dtype.itemsize

    @functools.cached_property
    def offsets(self) -> np.ndarray:
        """The place of each user's first matrix."""
        return np.concatenate([[0], np.cumsum(self.lengths)])[:-1]

    @property
    def granule(self) -> int:
        """Matrices that are stored as one: blocks of multiples of it read nothing twice."""
        return 1

    @property
    def block_rows(self) -> int:
        """Matrices of one block."""
        rows = max(1, self.block_bytes // (self.inner_shape[0] * self.inner_shape[1] * 8))
        return max(self.granule, rows // self.granule * self.granule)

    def merge_users(self) -> "StoredMatrices":
        """All samples as those of a single user."""
        return dataclasses.replace(self, lengths=(sum(self.lengths),))

    @abc.abstractmethod
    def current_version(self) -> tuple[int, ...]:
        """What `version` would be now."""

    @abc.abstractmethod
    def open(self) -> contextlib.AbstractContextManager[Reader]:
        """A function that fills an array of matrices, shape (m, num_rows, num_cols), from the given place on."""

    def check_unchanged(self) -> None:
        """That the file is what it was when the problem was made.

        Raises:
            StreamError: if it is not.
        """
        try:
            now = self.current_version()
        except OSError as error:
            raise StreamError(f"{self.path} can no longer be read: {told(error)}") from None
        if now != self.version:
            raise StreamError(f"{self.path} has changed since the problem was made: make the problem again")

    def blocks(self, first: int, num_users: int, num_samples: int) -> Iterator[tuple[Piece, ...]]:
        """What is read at a time, of the first samples of some users.

        Args:
            first: the first user.
            num_users: how many.
            num_samples: of each, if it has as many.
        """
        block: list[Piece] = []
        room = self.block_rows
        for user in range(first, first + num_users):
            done, length = 0, min(self.lengths[user], num_samples)
            while done < length:
                take = min(room, length - done)
                block.append(Piece(user - first, done, int(self.offsets[user]) + done, take))
                done, room = done + take, room - take
                if not room:
                    yield tuple(block)
                    block, room = [], self.block_rows
        if block:
            yield tuple(block)

    def read(self, first: int, num_users: int, num_samples: int) -> Iterator[tuple[tuple[Piece, ...], np.ndarray]]:
        """One pass over the first samples of some users: block by block what it is, and its matrices in float64.

        Those are of shape (m, num_rows, num_cols), and are overwritten once the next block is asked for.

        Raises:
            StreamError: if the file cannot be read to its end, or has changed before or meanwhile.
        """
        self.check_unchanged()
        size = (min(self.block_rows, sum(self.lengths)), *self.inner_shape)
        doubles = [np.empty(size), np.empty(size)]
        raw = None if self.dtype == np.float64 else np.empty(size, self.dtype)
        with self.open() as reader, ThreadPoolExecutor(1) as thread:

            def fill(block: tuple[Piece, ...], target: np.ndarray) -> np.ndarray:
                count = sum(piece.length for piece in block)
                read = target if raw is None else raw
                done = 0
                for row, length in _runs(block):
                    reader(row, read[done : done + length])
                    done += length
                if raw is not None:
                    target[:count] = raw[:count]
                return target[:count]

            present = None
            for number, block in enumerate(self.blocks(first, num_users, num_samples)):
                following = thread.submit(fill, block, doubles[number % 2])
                if present is not None:
                    yield present
                present = block, following.result()
            if present is not None:
                yield present
        self.check_unchanged()

    def check_finite(self, first: int, block: tuple[Piece, ...], matrices: np.ndarray) -> None:
        """That all numbers of a block are finite.

        Raises:
            StreamError: naming user, sample and entry of the first one that is not.
        """
        bad = np.argwhere(~np.isfinite(matrices))
        if not bad.size:
            return
        place, row, col = (int(index) for index in bad[0])
        for piece in block:
            if place < piece.length:
                raise StreamError(
                    f"{self.path} is {matrices[tuple(bad[0])]} at user {first + piece.user}, sample "
                    f"{piece.sample + place}, entry {(row, col)}: data must be finite"
                )
            place -= piece.length


def file_version(path: Path) -> tuple[int, ...]:
    """Size, time of the last change, and identity of a file."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _runs(block: tuple[Piece, ...]) -> Iterator[tuple[int, int]]:
    """First matrix and number of what lies side by side in the file."""
    begin, end = block[0].row, block[0].row
    for piece in block:
        if piece.row != end:
            yield begin, end - begin
            begin = piece.row
        end = piece.row + piece.length
    yield begin, end - begin

"""Matrices in a .npy file."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator

import numpy as np

from colora_theory.streaming.errors import StreamError, told
from colora_theory.streaming.stored import Reader, StoredMatrices, file_version


@dataclasses.dataclass(frozen=True)
class NpyMatrices(StoredMatrices):
    """Matrices in a .npy file, read by position into two buffers of fixed size.

    Not memory-mapped: a file that shrinks while it is mapped ends the process, here it is an error with a message.

    Attributes:
        start: the first byte of the data.
    """

    start: int

    def current_version(self) -> tuple[int, ...]:
        return file_version(self.path)

    @contextlib.contextmanager
    def open(self) -> Iterator[Reader]:
        with self.path.open("rb", buffering=0) as file:

            def read(row: int, out: np.ndarray) -> None:
                begin, view, done = self.start + row * self.row_bytes, out.reshape(-1).view(np.uint8).data, 0
                try:
                    file.seek(begin)
                    while done < len(view):
                        count = file.readinto(view[done:])
                        if not count:
                            raise StreamError(f"{self.path} ends at byte {begin + done}: it has become shorter")
                        done += count
                except OSError as error:
                    raise StreamError(f"{self.path} cannot be read at byte {begin + done}: {told(error)}") from None
                if self.drop_cache and hasattr(os, "posix_fadvise"):
                    os.posix_fadvise(file.fileno(), begin, done, os.POSIX_FADV_DONTNEED)

            yield read

"""What an engine is, and what it brings back."""

import abc
import dataclasses
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.errors import ColoraError


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What computing gave.

    Attributes:
        rows: as `AbstractChunk.compute` makes them.
        record: provenance of the process that made them.
    """

    rows: pa.Table
    record: dict[str, Any]


class OutOfMemoryError(Exception):
    """A chunk, or a part of one, did not fit into memory."""


class LaneTooLargeError(ColoraError):
    """A single cell that memory does not suffice for; all others are computed."""


Note = Callable[[str], None]
Outcomes = Generator[tuple[AbstractChunk, Outcome | LaneTooLargeError], None, None]


class Engine(abc.ABC):
    """Computes chunks somewhere; a context manager, which ends what is still at work."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abc.abstractmethod
    def compute(self, chunks: Iterator[AbstractChunk], note: Note) -> Outcomes:
        """Chunks with what they gave, in the order in which they are done.

        A chunk is taken from `chunks` when there is a worker for it, and no worker is given another before the last one
        was taken by the caller: so what a caller stores at once is lost for at most one chunk of every worker.

        Raises:
            ColoraError: If there is nothing left to compute with.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """End what is at work, at once."""

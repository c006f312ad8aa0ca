"""What the runner, the store and the engines know of a chunk: its name, its draws, its rows; not what they are of."""

import abc
import dataclasses
from typing import Any, Self

import pyarrow as pa


class AbstractChunk(abc.ABC):
    """Draws that every one of several methods meets: the unit of computing, storing and resuming.

    Subclasses are frozen dataclasses whose field `draws` is a tuple of them.
    """

    draws: tuple[Any, ...]

    @property
    @abc.abstractmethod
    def id(self) -> str:
        """A name made of the content and of the source that computes it: equal names, equal results."""

    @property
    @abc.abstractmethod
    def num_recipes(self) -> int:
        """Number of rows of a draw."""

    @property
    @abc.abstractmethod
    def lane_bytes(self) -> int:
        """Size of the design of one draw."""

    @abc.abstractmethod
    def with_draws(self, draws: tuple[Any, ...]) -> Self:
        """The chunk of some of the draws."""

    @abc.abstractmethod
    def compute(self) -> pa.Table:
        """All rows, a failed run being a row like any other; recipe by recipe, in the order of the draws."""

    @property
    def num_cells(self) -> int:
        """Number of rows."""
        return len(self.draws) * self.num_recipes


def in_words(draw: Any) -> str:
    """The axes of a draw, for a message."""
    return ", ".join(f"{name} = {value}" for name, value in dataclasses.asdict(draw).items() if value is not None)

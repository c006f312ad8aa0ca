"""From grids of the family to chunks: the same grids always give the same partition."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Self

import pyarrow as pa

from colora_theory.experiments.chunk import AbstractChunk, in_words
from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.provenance import source_hash
from colora_theory.experiments.seeding import fingerprint

# Draws are computed one after the other: a chunk is what is lost when a sweep is killed, a matter of seconds.
_MAX_DRAWS = 5


@dataclasses.dataclass(frozen=True)
class FamilyChunk(AbstractChunk):
    """Draws that differ by their seeds alone, each fitted by every method."""

    draws: tuple[FamilyDraw, ...]
    methods: tuple[str, ...]

    @property
    def id(self) -> str:
        """See `AbstractChunk`."""
        return fingerprint(dataclasses.asdict(self) | {"source": source_hash()})[:32]

    @property
    def num_recipes(self) -> int:
        """See `AbstractChunk`."""
        return len(self.methods)

    @property
    def lane_bytes(self) -> int:
        """See `AbstractChunk`."""
        k, d1, d2 = self.draws[0].shape
        return 8 * k * d1 * d2 * self.draws[0].num_samples

    def with_draws(self, draws: tuple[FamilyDraw, ...]) -> Self:
        """See `AbstractChunk`."""
        return dataclasses.replace(self, draws=draws)

    def compute(self) -> pa.Table:
        """See `AbstractChunk`."""
        from colora_theory.experiments.family.trial import run_chunk

        return run_chunk(self)


def chunks(grids: Sequence[FamilyGrid]) -> tuple[FamilyChunk, ...]:
    """The chunks of all grids, in their order.

    Raises:
        ConfigError: If two grids have a cell in common, which would count twice.
    """
    taken: set[tuple[FamilyDraw, str]] = set()
    found = []
    for grid in grids:
        # Two values of the oversampling can round to the same number of samples: those draws are one.
        drawn = tuple(dict.fromkeys(grid.draws()))
        methods = tuple(grid.values("method"))
        for cell in itertools.product(drawn, methods):
            if cell in taken:
                raise ConfigError(
                    "two grids have a cell in common, take it out of one of them: "
                    f"method {cell[1]!r}, {in_words(cell[0])}"
                )
            taken.add(cell)
        found += list(_chunks(drawn, methods))
    return tuple(found)


def _chunks(drawn: Sequence[FamilyDraw], methods: tuple[str, ...]) -> Iterator[FamilyChunk]:
    for _, alike in itertools.groupby(drawn, lambda draw: dataclasses.replace(draw, seed=0)):
        group = tuple(alike)
        for begin in range(0, len(group), _MAX_DRAWS):
            yield FamilyChunk(group[begin : begin + _MAX_DRAWS], methods)

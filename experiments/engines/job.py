"""A chunk on its way: whole, or in parts where memory does not suffice for the whole."""

import pyarrow as pa

from colora_theory.experiments.chunk import AbstractChunk, in_words
from colora_theory.experiments.engines.base import LaneTooLargeError, Outcome


class Job:
    """Computes one chunk in as many parts as need be.

    Attributes:
        chunk: the chunk.
        deaths: how often a worker has died of it.
    """

    def __init__(self, chunk: AbstractChunk) -> None:
        self.chunk = chunk
        self.deaths = 0
        self._todo = [chunk]
        self._done: list[tuple[AbstractChunk, Outcome]] = []

    @property
    def part(self) -> AbstractChunk:
        """What is to be computed next."""
        return self._todo[0]

    def take(self, outcome: Outcome) -> Outcome | None:
        """Accept what `part` gave; the outcome of the whole chunk once all parts are there."""
        self._done.append((self._todo.pop(0), outcome))
        if self._todo:
            return None
        return Outcome(_merged(self.chunk, [(part, given.rows) for part, given in self._done]), outcome.record)

    def split(self, reason: str) -> LaneTooLargeError | None:
        """Go on with the halves of `part`; an error if it is one lane, which has no halves.

        Lanes are computed one after the other on a CPU, so their rows are the same in any company.
        """
        draws = self.part.draws
        if len(draws) > 1:
            middle = len(draws) // 2
            self._todo[:1] = [self.part.with_draws(draws[:middle]), self.part.with_draws(draws[middle:])]
            return None
        return LaneTooLargeError(
            f"memory does not suffice for the cell {in_words(draws[0])}; its measurements alone are "
            f"{self.part.lane_bytes / 2**30:.2g} GiB ({reason})\n"
            "all other cells are kept; take fewer --workers, which share the memory, a machine with more, or smaller "
            "axes, then run the command again"
        )


def _merged(chunk: AbstractChunk, parts: list[tuple[AbstractChunk, pa.Table]]) -> pa.Table:
    """The rows of parts in the order of the whole: recipe by recipe, in the order of the draws."""
    if len(parts) == 1:
        return parts[0][1]
    return pa.concat_tables(
        rows.slice(recipe * len(part.draws), len(part.draws))
        for recipe in range(chunk.num_recipes)
        for part, rows in parts
    ).combine_chunks()

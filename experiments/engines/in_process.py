"""One chunk after the other, in this very process."""

from collections.abc import Iterator

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.engines.base import Engine, LaneTooLargeError, Note, Outcome, Outcomes, OutOfMemoryError
from colora_theory.experiments.engines.job import Job
from colora_theory.experiments.engines.work import compute


class InProcess(Engine):
    """No workers: all cores serve one chunk."""

    def compute(self, chunks: Iterator[AbstractChunk], note: Note) -> Outcomes:
        """See `Engine`."""
        for chunk in chunks:
            job = Job(chunk)
            result: Outcome | LaneTooLargeError | None = None
            while result is None:
                try:
                    result = job.take(compute(job.part))
                except OutOfMemoryError as error:
                    note(f"{len(job.part.draws)} lane(s) do not fit into memory ({error}); trying halves")
                    result = job.split(str(error))
            yield chunk, result

    def close(self) -> None:
        """See `Engine`; there is nothing to end."""

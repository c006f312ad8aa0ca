"""Many chunks at once, on workers that speak `concurrent.futures`."""

import abc
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.engines.base import Engine, LaneTooLargeError, Note, Outcome, Outcomes, OutOfMemoryError
from colora_theory.experiments.engines.job import Job

_SECONDS_BETWEEN_LOOKS = 1.0


class WorkerDiedError(Exception):
    """A worker ended in the middle of its work: killed, for want of memory or by hand."""


class Pool(abc.ABC):
    """Workers. `attempts` is how many of them a chunk may cost before it is taken to be too large."""

    attempts: int

    @abc.abstractmethod
    def capacity(self) -> int:
        """How many chunks to have at work."""

    @abc.abstractmethod
    def submit(self, part: AbstractChunk) -> Future[Outcome]:
        """Begin to compute."""

    @abc.abstractmethod
    def translate(self, error: Exception) -> Exception:
        """What a future raised: a WorkerDiedError or a ColoraError where it is one, else the error itself."""

    @abc.abstractmethod
    def look_after(self, note: Note) -> None:
        """Called every second or so.

        Raises:
            ColoraError: If there is nothing left to compute with.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """End what is at work."""


class Concurrent(Engine):
    """As many chunks at once as the pool has workers, each written by the caller before its worker gets the next."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def compute(self, chunks: Iterator[AbstractChunk], note: Note) -> Outcomes:
        """See `Engine`."""
        at_work: dict[Future[Outcome], Job] = {}
        try:
            while True:
                while len(at_work) < self._pool.capacity() and (chunk := next(chunks, None)) is not None:
                    job = Job(chunk)
                    at_work[self._pool.submit(job.part)] = job
                if not at_work:
                    return
                done, _ = wait(at_work, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                if not done:
                    self._pool.look_after(note)
                    continue
                future = next(each for each in at_work if each in done)  # the one that waited longest
                job = at_work.pop(future)
                result = self._settle(job, future, note)
                if result is None:
                    at_work[self._pool.submit(job.part)] = job
                else:
                    yield job.chunk, result
        finally:
            if at_work:
                self._pool.close()

    def _settle(self, job: Job, future: Future[Outcome], note: Note) -> Outcome | LaneTooLargeError | None:
        """The result of the chunk; None if a part of it is still to be computed."""
        try:
            return job.take(future.result())
        except Exception as error:
            trouble = self._pool.translate(error)
            if not isinstance(trouble, WorkerDiedError | OutOfMemoryError):
                raise trouble from error
        lanes = len(job.part.draws)
        if isinstance(trouble, WorkerDiedError):
            job.deaths += 1
            if job.deaths < self._pool.attempts:
                note(f"{trouble} while it computed {lanes} lane(s); they are computed again in a fresh one")
                return None
        note(f"{trouble} while it computed {lanes} lane(s); trying halves" if lanes > 1 else str(trouble))
        return job.split(str(trouble))

    def close(self) -> None:
        """See `Engine`."""
        self._pool.close()

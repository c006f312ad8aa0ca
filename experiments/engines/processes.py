"""Workers on this machine: processes, each with cores of its own."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection

import jax

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.engines.base import Note, Outcome, OutOfMemoryError
from colora_theory.experiments.engines.concurrent import Pool, WorkerDiedError
from colora_theory.experiments.engines.work import Identity, compute_for, identity


class _Worker:
    """One process, started when it is needed."""

    def __init__(self, cores: Sequence[int]) -> None:
        self._cores = cores
        self._executor: ProcessPoolExecutor | None = None
        self._lifeline: Connection | None = None
        self._future: Future[Outcome] | None = None

    @property
    def idle(self) -> bool:
        return self._future is None or self._future.done()

    def submit(self, function: Callable[[Identity, AbstractChunk], Outcome], part: AbstractChunk) -> Future[Outcome]:
        if self._future is not None and isinstance(self._future.exception(), OutOfMemoryError):
            self.end()  # It keeps what it had when memory ran out; another one begins with less.
        if self._executor is None:
            self._executor = self._started()
        try:
            with _born_with(self._cores):
                self._future = self._executor.submit(function, identity(), part)
        except BrokenProcessPool:  # It died while it had nothing to do, or of what it was given last.
            self.end()
            return self.submit(function, part)
        return self._future

    def end(self) -> None:
        """Let the process end itself, in whatever it is."""
        if self._executor is not None and self._lifeline is not None:
            self._lifeline.close()
            self._executor.shutdown(cancel_futures=True)
        self._executor = self._lifeline = self._future = None

    def _started(self) -> ProcessPoolExecutor:
        # Not forked: JAX has threads. The parent has the only end of the line that is written to.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._lifeline, cache = ours, jax.config.values["jax_compilation_cache_dir"]
        return ProcessPoolExecutor(1, context, initializer=_begin, initargs=(theirs, cache))


class Processes(Pool):
    """Processes that divide the cores of this machine and share the programs that are compiled.

    A worker that dies is replaced. Args: one list of cores for each worker, and what a worker does.
    """

    attempts = 2

    def __init__(
        self, cores: Sequence[Sequence[int]], function: Callable[[Identity, AbstractChunk], Outcome] = compute_for
    ) -> None:
        self._workers = [_Worker(share) for share in cores]
        self._function = function

    def capacity(self) -> int:
        """See `Pool`."""
        return len(self._workers)

    def submit(self, part: AbstractChunk) -> Future[Outcome]:
        """See `Pool`."""
        worker = next(worker for worker in self._workers if worker.idle)
        return worker.submit(self._function, part)

    def translate(self, error: Exception) -> Exception:
        """See `Pool`."""
        return WorkerDiedError("a worker was killed") if isinstance(error, BrokenProcessPool) else error

    def look_after(self, note: Note) -> None:
        """See `Pool`; the executors look after their processes."""

    def close(self) -> None:
        """See `Pool`."""
        for worker in self._workers:
            worker.end()


@contextlib.contextmanager
def _born_with(cores: Sequence[int]) -> Iterator[None]:
    """What a process that is started in here has from its first moment on: these cores, and no ear for Ctrl-C.

    The libraries that it loads count their cores as they are loaded, so it would be too late to tell them afterwards.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]) if hasattr(signal, "pthread_sigmask") else None
    before = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else None
    try:
        if before is not None:
            os.sched_setaffinity(0, cores)
        yield
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _begin(lifeline: Connection, cache: str | None) -> None:
    """In a new worker: leave Ctrl-C to the parent, and never outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    jax.config.update("jax_compilation_cache_dir", cache)


def _end_with(lifeline: Connection) -> None:
    # The other end is closed by the parent, or by the system when the parent is gone, killed or not.
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)

"""Workers of a dask.distributed scheduler that runs already; needs the extra `[distributed]`."""

import importlib.util
import logging
import pickle
import warnings
from concurrent.futures import CancelledError, Future
from typing import TYPE_CHECKING

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.engines.base import Note, Outcome
from colora_theory.experiments.engines.concurrent import Pool, WorkerDiedError
from colora_theory.experiments.engines.work import compute_for, identity
from colora_theory.experiments.errors import ColoraError, ConfigError, shown

if TYPE_CHECKING:
    from distributed import Client

_SECONDS_TO_CONNECT = 5.0


class ClusterError(ColoraError):
    """A scheduler or workers that cannot be computed with."""


class DaskPool(Pool):
    """One chunk at a time for every worker of the scheduler at `address`; connected to when it is first needed.

    The scheduler itself gives the chunk of a worker that died to another one, a few times.

    Raises:
        ConfigError: If dask.distributed is not installed.
    """

    attempts = 1

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("distributed") is None:
            raise ConfigError("--dask needs dask.distributed\nto install it: pip install 'colora-theory[distributed]'")
        self._address = address
        self._client: Client | None = None
        self._num_workers = 0
        self._waiting = False

    def capacity(self) -> int:
        """See `Pool`; at least one, so that a cluster may start its workers when there is work."""
        if self._client is None:
            self._connect()
        return max(1, self._num_workers)

    def submit(self, part: AbstractChunk) -> Future[Outcome]:
        """See `Pool`."""
        if self._client is None:
            self._connect()
        assert self._client is not None
        # Impure: a chunk that is asked for again is to be computed again.
        return self._client.get_executor(pure=False).submit(compute_for, identity(), part)

    def translate(self, error: Exception) -> Exception:
        """See `Pool`."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return WorkerDiedError("workers of the cluster died again and again")
        if isinstance(error, CancelledError):
            return self._lost()
        if isinstance(error, ImportError | AttributeError | pickle.UnpicklingError) or "deserializ" in str(error):
            return ClusterError(
                f"the workers of {self._address} cannot load what they are asked to compute: {str(error)[:200]}\n"
                "install this version of colora_theory and of dask where scheduler and workers run, start them anew, "
                "then run the same command again"
            )
        return error

    def look_after(self, note: Note) -> None:
        """See `Pool`."""
        if self._client is None:
            return
        if self._client.status not in ("running", "connecting"):
            raise self._lost()
        self._count()
        if not self._num_workers and not self._waiting:
            note(f"the scheduler {self._address} has no workers; waiting for some")
        self._waiting = not self._num_workers

    def close(self) -> None:
        """See `Pool`; chunks that are at work are called off, the cluster stays."""
        if self._client is not None:
            self._client.close(timeout=1)
            self._client = None

    def _connect(self) -> None:
        from distributed import Client

        # What the cluster has to say of lost connections and of versions is said here, once.
        for name in ("distributed", "distributed.client"):  # Importing it gives the client a level of its own.
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._client = Client(self._address, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ClusterError(
                f"no answer from a dask scheduler at {shown(self._address)}: {reason}\n"
                "start one with: dask scheduler; it prints its address, like tcp://10.0.0.1:8786"
            ) from error
        self._count()

    def _count(self) -> None:
        assert self._client is not None
        try:
            self._num_workers = len(self._client.nthreads())
        except (OSError, RuntimeError, ValueError) as error:
            raise self._lost() from error

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"the scheduler {self._address} is gone\nwhat is finished is kept; start it again, or leave --dask out, "
            "then run the same command again"
        )

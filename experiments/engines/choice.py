"""From options of a command to an engine."""

from typing import TYPE_CHECKING

from colora_theory.experiments.engines.cores import cores_of
from colora_theory.experiments.errors import ConfigError

if TYPE_CHECKING:
    from colora_theory.experiments.engines.base import Engine


def choose(workers: int | None, dask: str | None) -> "Engine":
    """This process if neither is given, so many processes, or the cluster at an address.

    Raises:
        ConfigError: If both are given, there are not so many cores, or dask.distributed is not installed.
    """
    if workers is not None and dask is not None:
        raise ConfigError("--workers are of this machine, --dask has workers of its own: give one of them")
    if dask is not None:
        from colora_theory.experiments.engines.concurrent import Concurrent
        from colora_theory.experiments.engines.dask_cluster import DaskPool

        return Concurrent(DaskPool(dask))
    if workers is None:
        from colora_theory.experiments.engines.in_process import InProcess

        return InProcess()
    shares = cores_of(workers)
    from colora_theory.experiments.engines.concurrent import Concurrent
    from colora_theory.experiments.engines.processes import Processes

    return Concurrent(Processes(shares))

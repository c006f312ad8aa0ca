"""The cores of this machine, and how workers divide them."""

import itertools
import os
from collections.abc import Sequence

from colora_theory.experiments.errors import ConfigError, shown


def available_cores() -> list[int]:
    """The cores that this process may use; all of them where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def divided(cores: Sequence[int], workers: int) -> list[Sequence[int]]:
    """Neighbouring cores for every worker, none for two; the numbers differ by one at most."""
    cuts = [len(cores) * worker // workers for worker in range(workers + 1)]
    return [cores[begin:end] for begin, end in itertools.pairwise(cuts)]


def cores_of(workers: int) -> list[Sequence[int]]:
    """The cores of every one of so many workers.

    Raises:
        ConfigError: If there are not so many cores.
    """
    cores = available_cores()
    if not 1 <= workers <= len(cores):
        raise ConfigError(
            f"--workers {shown(workers)} is outside 1 to {len(cores)}, the cores that this process may use; "
            "more would fight over them"
        )
    return divided(cores, workers)

"""The sweeps of the project, one file each: adding one is one file and one line here."""

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from colora_theory.experiments.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from colora_theory.experiments.sweep import Sweep

_NAMES = (
    "sample_complexity",
    "convergence",
    "similarity",
    "noise",
    "few_samples",
    "sample_limit",
    "annealing",
    "contraction",
    "isometry",
    "start_overlap",
    "efficiency",
    "misalignment",
    "newcomer",
    "success_map",
    "designs",
    "operators",
    "communication",
    "published_tripuraneni",
    "published_fedrep",
    "published_tian",
    "cross_fit",
    "smooth_cores",
    "collaborative",
    "budgeted",
    "mixtures",
    "outliers",
    "posterior_calibration",
    "retrieval",
)


class _Sweeps(Mapping[str, "Sweep"]):
    """Sweeps by name, each imported when it is asked for: a name can be looked up without JAX."""

    def __getitem__(self, name: str) -> "Sweep":
        if name not in self:
            raise KeyError(name)
        sweep: Sweep = importlib.import_module(f"{__name__}.{name}").SWEEP
        return sweep

    def __contains__(self, name: object) -> bool:
        return name in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


SWEEPS: Mapping[str, "Sweep"] = _Sweeps()


def check_sweep(name: str) -> str:
    """The name, if there is a sweep of that name; nothing is imported for it.

    Raises:
        ConfigError: If there is none.
    """
    if name not in SWEEPS:
        raise ConfigError(unknown_name("sweep", name, SWEEPS))
    return name


def find_sweep(name: str) -> "Sweep":
    """The sweep of that name.

    Raises:
        ConfigError: If there is none.
    """
    return SWEEPS[check_sweep(name)]

"""The sweeps of the project, one file each: adding one is one file and one line here."""

from colora_theory.experiments.errors import ConfigError, unknown_name
from colora_theory.experiments.sweep import Sweep
from colora_theory.experiments.sweeps import (
    annealing,
    communication,
    contraction,
    convergence,
    designs,
    efficiency,
    few_samples,
    isometry,
    misalignment,
    newcomer,
    noise,
    operators,
    published_fedrep,
    published_tian,
    published_tripuraneni,
    sample_complexity,
    sample_limit,
    similarity,
    start_overlap,
    success_map,
)

SWEEPS = {
    sweep.name: sweep
    for sweep in (
        sample_complexity.SWEEP,
        convergence.SWEEP,
        similarity.SWEEP,
        noise.SWEEP,
        few_samples.SWEEP,
        sample_limit.SWEEP,
        annealing.SWEEP,
        contraction.SWEEP,
        isometry.SWEEP,
        start_overlap.SWEEP,
        efficiency.SWEEP,
        misalignment.SWEEP,
        newcomer.SWEEP,
        success_map.SWEEP,
        designs.SWEEP,
        operators.SWEEP,
        communication.SWEEP,
        published_tripuraneni.SWEEP,
        published_fedrep.SWEEP,
        published_tian.SWEEP,
    )
}


def find_sweep(name: str) -> Sweep:
    """The sweep of that name.

    Raises:
        ConfigError: If there is none.
    """
    if name not in SWEEPS:
        raise ConfigError(unknown_name("sweep", name, SWEEPS))
    return SWEEPS[name]

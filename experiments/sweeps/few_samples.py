"""What does a prior learnt from all users save where each has few and noisy samples?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

MANY: dict[str, Any] = {"num_users": 30, "num_rows": 20, "num_cols": 20, "rank": 2}
BOTH = ["auto", "empirical_bayes"]
ALL = [*BOTH, "oracle"]


def _grid(num_samples: list[int], method: list[str], num_seeds: int, noise: float | list[float] = 1.0) -> Grid:
    return Grid(
        **MANY,
        num_samples=num_samples,
        similarity=0.5,
        noise=noise,
        method=method,
        num_seeds=num_seeds,
    )


SWEEP = Sweep(
    name="few_samples",
    claim=(
        "Where users have few noisy samples, cores shrunk towards what the users have in common have a smaller error "
        "than those of maximum likelihood; with many samples the two agree."
    ),
    refuted_if=(
        "The median error of empirical Bayes exceeds that of maximum likelihood at any n, or the gain does not fall "
        "as n grows."
    ),
    presets={
        "smoke": [_grid([10, 12], BOTH, 2)],
        "cpu": [_grid([12, 20, 60, 100], ALL, 10)],
        "full": [_grid([8, 12, 16, 20, 30, 40, 60, 100, 200], ALL, 100, [0.1, 1.0])],
    },
)

"""How slowly must the ridge of an annealed start fall?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SQUARE: dict[str, Any] = {"num_users": 10, "num_rows": 30, "num_cols": 30, "rank": 3}
LENGTHS = [10, 30, 100, 300, 1000]


def _grid(num_samples: int, lengths: list[int], num_seeds: int) -> Grid:
    # One number of samples to a grid: what is computed together shares its measured time.
    return Grid(
        **SQUARE,
        num_samples=num_samples,
        method="variable_projection",
        start=[f"annealed_{number}" for number in lengths],
        num_seeds=num_seeds,
        max_steps=60,
    )


SWEEP = Sweep(
    name="annealing",
    claim=(
        "The more slowly the ridge of an annealed start falls, the more often the one attempt of variable projection "
        "that follows recovers the truth; the nearer to the counting limit, the longer it takes."
    ),
    refuted_if=(
        "The success rate does not grow with the number of sweeps, or a path of 300 sweeps recovers fewer than half of "
        "the draws at N / DoF = 1.27."
    ),
    presets={
        "smoke": [_grid(32, [10, 100], 3)],
        "cpu": [_grid(num_samples, LENGTHS, 20) for num_samples in (27, 29, 32)],
        "full": [_grid(num_samples, LENGTHS, 100) for num_samples in (26, 27, 28, 29, 30, 32, 36)],
    },
)

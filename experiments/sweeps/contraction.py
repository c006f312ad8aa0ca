"""Does alternating minimization converge at the predicted rate?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_rows": 20, "num_cols": 20, "rank": 2, "similarity": 0.5}
# N / DoF from 1.9 to 19 at 16 users.
SAMPLES = [16, 20, 28, 40, 80, 160]


def _grid(num_users: int, num_samples: list[int], num_seeds: int) -> Grid:
    return Grid(
        **SHAPE,
        num_users=num_users,
        num_samples=num_samples,
        num_seeds=num_seeds,
        # The rate is measured near the truth; nothing is solved from the start.
        method="start",
        predict=["rate"],
    )


SWEEP = Sweep(
    name="contraction",
    claim=(
        "Without noise a sweep of alternating minimization multiplies a small error by the spectral radius computed "
        "for the drawn design; a law of large designs gives the same factor from the cores and the sizes alone."
    ),
    refuted_if=(
        "In some draw the measured and the computed factor differ by more than 5%, or the law and the computed one by "
        "more than 10% on average."
    ),
    presets={
        "smoke": [_grid(16, [20, 40], 2)],
        "cpu": [_grid(16, SAMPLES, 13), _grid(4, [44, 88], 10), _grid(64, [10, 20], 3)],
        "full": [
            _grid(16, [14, 18, 24, 32, 56, 112, *SAMPLES], 100),
            _grid(4, [36, 44, 60, 88, 176], 100),
            _grid(64, [8, 10, 14, 20, 40], 50),
        ],
    },
)

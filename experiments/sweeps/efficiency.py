"""Does least squares reach the Cramer-Rao bound of the drawn design?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_users": 16, "num_rows": 20, "num_cols": 20, "rank": 2, "similarity": 0.5}
# With 136 unknowns and 16 users these are N / DoF of 1.9, 3.1, 4, 6 and 9.4.
FEW, ENOUGH = [16, 26], [34, 51, 80]


def _grid(num_samples: list[int], num_seeds: int) -> Grid:
    return Grid(
        **SHAPE,
        num_samples=num_samples,
        noise=0.05,
        method="variable_projection",
        num_seeds=num_seeds,
        max_steps=200,
        predict=["cramer_rao"],
    )


SWEEP = Sweep(
    name="efficiency",
    claim=(
        "The least-squares fit reaches the Cramer-Rao bound of the drawn design, and the bound follows a law of the "
        "cores and the sizes alone."
    ),
    refuted_if=(
        "At N / DoF >= 4 the mean of the squared error over the bound differs from 1 by more than three of its "
        "standard errors and by more than 2%."
    ),
    presets={
        "smoke": [_grid([34, 80], 2)],
        "cpu": [_grid(FEW, 20), _grid(ENOUGH, 80)],
        "full": [_grid([14, 16, 20, 26], 500), _grid([*ENOUGH, 160], 500)],
    },
)

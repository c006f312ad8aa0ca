"""What do users unlike the rest cost the others?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.sweep import Sweep

# Eleven samples are a little more than two measurements for each unknown.
SHAPE: dict[str, Any] = {"num_users": 20, "num_rows": 8, "num_cols": 7, "num_samples": 11, "noise": 0.1}
TRUTHS = ["own_subspaces", "corrupted_data"]
METHODS = ["outliers_ignored", "outliers_found", "outliers_known"]


def _grid(fractions: list[float], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, truth=TRUTHS, method=METHODS, level=fractions, num_seeds=num_seeds)


SWEEP = Sweep(
    name="outliers",
    claim=(
        "Users with subspaces of their own, or with corrupted data, spoil the least-squares fit of all others; up to "
        "30% of them are found from the data, and the others are then fitted as if they were absent."
    ),
    refuted_if=(
        "With a fraction of up to .3, the mean squared error of the others exceeds that of the fit that knows who is "
        "unlike by more than 20%, or that of least squares is less than three times as large."
    ),
    presets={
        "smoke": [_grid([0.0, 0.3], 2)],
        "cpu": [_grid([0.0, 0.1, 0.2, 0.3, 0.4], 20)],
        "full": [_grid([0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4], 200)],
    },
)

"""Is a new user better served by the cores of similar users, or by one of its own?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"truth": "new_user_of_a_group", "num_users": 1, "num_rows": 8, "num_cols": 7, "noise": 0.5}
METHODS = [
    "retrieved_by_residuals",
    "retrieved_by_cores",
    "retrieved_by_moments",
    "retrieved_from_all",
    "core_fitted",
    "core_of_normal_law",
]


def _grid(levels: list[float], samples: list[int], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, level=levels, num_samples=samples, num_seeds=num_seeds, method=METHODS)


SWEEP = Sweep(
    name="retrieval",
    claim=(
        "Where cores come in groups, a new user with few measurements is better served by the mean core of the most "
        "similar users than by a fitted one, up to about as many as the two laws cross at; where cores are unrelated, "
        "a fitted one is better as soon as it is determined well."
    ),
    refuted_if=(
        "With a fiftieth of the variance within groups and 8 to 16 measurements the median squared error is not at "
        "most half that of the fitted core, or with unrelated cores and at least 16 it is not at least one and a half "
        "times it."
    ),
    presets={
        "smoke": [_grid([0.02, 1.0], [4, 8], 2)],
        "cpu": [_grid([0.02, 0.2, 1.0], [1, 2, 4, 6, 8, 12, 16, 24, 48], 30)],
        "full": [_grid([0.02, 0.05, 0.1, 0.2, 0.5, 1.0], [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 48], 300)],
    },
)

"""Where does the number of samples that a plan recommends stand on the map of successes?"""

from collections.abc import Mapping
from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_rows": 20, "num_cols": 20, "rank": 2, "similarity": 0.5}
NOISE = 0.5

# Samples of a user by the number of users, around what the plan recommends: without noise 31, 19, 14 and 10 for 4, 8,
# 12 and 24 users, with noise 104, 55, 42 and 28. Few capacities, since compiling takes most of the time.
Band = Mapping[int, list[int]]
_NOISELESS: Band = {
    4: [18, 21, 24, 27, 29, 32],
    8: [13, 14, 16, 17, 19, 24],
    12: [9, 10, 11, 12, 14, 16],
    24: [7, 8, 9, 10, 11, 12],
}
_NOISY: Band = {
    4: [65, 71, 80, 92, 106, 128],
    8: [34, 38, 42, 48, 56, 64],
    12: [25, 29, 32, 36, 43, 48],
    24: [17, 20, 22, 24, 29, 32],
}
_FULL = [5, 6, 7, 8, 9, 10, 12, 14, 16, 19, 22, 26, 31, 37, 44, 52, 62, 74, 88, 104, 124, 148]


def _grids(band: Band, noise: float, num_seeds: int) -> list[Grid]:
    # Without noise the plan counts on several attempts; with as many samples as noise asks for one is enough.
    return [
        Grid(
            **SHAPE,
            num_users=num_users,
            num_samples=num_samples,
            noise=noise,
            method="variable_projection" if noise > 0 else "auto",
            num_seeds=num_seeds,
            max_steps=60,
            predict=["plan"],
        )
        for num_users, num_samples in band.items()
    ]


SWEEP = Sweep(
    name="success_map",
    claim=(
        "The samples per user that a plan recommends, from the sizes, the noise and the target alone, are enough and "
        "not many too many: from there on the target is reached, with 70% of them it is not."
    ),
    refuted_if=(
        "With or without noise, fewer than 90% of the runs with at least the recommended samples reach the target, or "
        "more than 60% of those with at most 70% of the recommended samples."
    ),
    presets={
        "smoke": [*_grids({8: [13, 16]}, 0.0, 2), *_grids({8: [37, 48]}, NOISE, 2)],
        "cpu": [*_grids(_NOISELESS, 0.0, 10), *_grids(_NOISY, NOISE, 40)],
        "full": [
            *_grids(dict.fromkeys([2, 4, 8, 12, 24, 48], _FULL), 0.0, 100),
            *_grids(dict.fromkeys([2, 4, 8, 12, 24, 48], _FULL), NOISE, 100),
        ],
    },
)

"""How many samples does a user need, and how many do the others save it?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SQUARE: dict[str, Any] = {"num_rows": 20, "num_cols": 20, "rank": 2}
RECTANGLE: dict[str, Any] = {"num_rows": 24, "num_cols": 16, "rank": [3, 2]}


def _alone(num_samples: list[int], num_seeds: int) -> Grid:
    # One user by itself; seeds are other users.
    return Grid(num_users=1, **SQUARE, num_samples=num_samples, method="alone", num_seeds=num_seeds)


def _together(num_users: int, num_samples: list[int], num_seeds: int) -> Grid:
    return Grid(num_users=num_users, **SQUARE, num_samples=num_samples, num_seeds=num_seeds)


def _rectangle(oversampling: list[float], num_seeds: int) -> Grid:
    return Grid(num_users=16, **RECTANGLE, oversampling=oversampling, num_seeds=num_seeds)


SWEEP = Sweep(
    name="sample_complexity",
    claim=(
        "Users who share their subspaces need fewer samples each, in step with the count of unknowns: a user alone "
        "needs r (d1 + d2 - r), k users together need r1 r2 + (r1 (d1 - r1) + r2 (d2 - r2)) / k, up to a small factor."
    ),
    refuted_if=(
        "The number of samples at which half of the runs succeed does not fall with k, or exceeds 2.5 times the count "
        "at some k."
    ),
    presets={
        "smoke": [
            _alone([80, 128], 4),
            _together(16, [12, 24], 4),
        ],
        "cpu": [
            _alone([80, 88, 96, 104, 112, 128], 20),
            _together(4, [24, 28, 32, 40, 48, 64], 20),
            _together(16, [10, 12, 14, 16, 18, 20, 24, 32], 20),
            _together(64, [7, 8, 9, 10, 12, 16], 20),
            _rectangle([1.25, 1.5, 1.75, 2.0, 2.5], 20),
        ],
        "full": [
            _alone([*range(64, 161, 8), 176, 192], 200),
            _together(2, [*range(24, 65, 4), 72, 80, 96, 112, 128], 200),
            _together(4, [*range(16, 49, 2), 56, 64], 200),
            _together(16, [*range(6, 25), 28, 32], 200),
            _together(64, [*range(4, 17), 20, 24], 200),
            _together(256, [*range(4, 17), 20, 24], 200),
            _rectangle([1.0, 1.125, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0], 200),
        ],
    },
)

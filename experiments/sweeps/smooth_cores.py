"""What does it bring to know that cores follow a parameter?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_rows": 8, "num_cols": 7, "num_samples": 24, "noise": 0.1, "truth": "smooth"}
METHODS = ["smooth_between", "shared_both_between"]


def _grid(num_users: list[int], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, num_users=num_users, num_seeds=num_seeds, method=METHODS)


SWEEP = Sweep(
    name="smooth_cores",
    claim=(
        "If cores are polynomials of a known parameter, fitting these takes r1 r2 unknowns for each term in the place "
        "of each user: the error falls as one over the number of users, where that of personal cores stays at their "
        "own r1 r2 / n; and users in between are predicted without a sample."
    ),
    refuted_if=(
        "The ratio of the two mean squared errors differs from that of the counts by more than 20%, or the error "
        "between the users exceeds twice that at the users."
    ),
    presets={
        "smoke": [_grid([6], 2)],
        "cpu": [_grid([4, 6, 8, 12, 16, 24, 32], 20)],
        "full": [_grid([4, 6, 8, 12, 16, 24, 32, 48, 64], 200)],
    },
)

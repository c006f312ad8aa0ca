"""Which restricted isometry constants become small when users share their subspaces?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_rows": 12, "num_cols": 12, "rank": 2}


def _grid(num_users: int | list[int], num_samples: int | list[int], num_seeds: int) -> Grid:
    # The constants belong to the truth and the design: nothing needs to be solved.
    return Grid(
        **SHAPE,
        num_users=num_users,
        num_samples=num_samples,
        method="start",
        num_seeds=num_seeds,
        predict=["isometry"],
    )


SWEEP = Sweep(
    name="isometry",
    claim=(
        "On the tangent space at the truth the isometry constant falls with the samples n, and with more users down "
        "to that of the cores alone. Over all tuples of weights it cannot: there it is at least that of a single user, "
        "however many users there are."
    ),
    refuted_if=(
        "The constant on the tangent space does not fall as 1 / sqrt(n), or does not fall with k at fixed n, or the "
        "constant found for single users falls with k."
    ),
    presets={
        "smoke": [_grid([4, 16], [48], 2)],
        "cpu": [_grid(16, [16, 32, 64, 128], 13), _grid([1, 4, 64], 64, 17)],
        "full": [_grid(16, [8, 16, 32, 64, 128, 256, 512], 50), _grid([1, 2, 4, 8, 32, 64, 128], 64, 50)],
    },
)

"""How many samples does a new user need once the subspaces are known?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

# One user; seeds are other users. With U and V known its 2 x 2 core is all there is to find.
SHAPE: dict[str, Any] = {"num_users": 1, "num_rows": 20, "num_cols": 20, "rank": 2, "method": "oracle"}


def _grid(num_samples: list[int], noise: float | list[float], num_seeds: int) -> Grid:
    return Grid(**SHAPE, num_samples=num_samples, noise=noise, num_seeds=num_seeds)


SWEEP = Sweep(
    name="newcomer",
    claim=(
        "A new user whose subspaces are known needs r1 r2 samples, whatever the size of its weight, and with noise "
        "its mean squared error is sigma^2 r1 r2 / (n - r1 r2 - 1)."
    ),
    refuted_if=(
        "A run with n >= r1 r2 and no noise misses the truth, one with fewer finds it, or the mean error at n >= 8 "
        "differs from the law by more than three of its standard errors."
    ),
    presets={
        "smoke": [_grid([4, 8], [0.0, 0.1], 2)],
        "cpu": [_grid([3, 4, 5], [0.0, 0.1], 50), _grid([6, 8, 12, 20], [0.0, 0.1], 200)],
        "full": [_grid([2, 3, 4, 5], [0.0, 0.1], 1000), _grid([6, 7, 8, 10, 12, 16, 20, 40], [0.0, 0.1], 2000)],
    },
)

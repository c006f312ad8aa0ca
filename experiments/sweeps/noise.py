"""How does noise pass into the estimates, and how much of it do the other users take away?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SQUARE: dict[str, Any] = {"num_rows": 20, "num_cols": 20, "rank": 2}
RECTANGLE: dict[str, Any] = {"num_rows": 24, "num_cols": 16, "rank": [3, 2]}
TOGETHER = ["alternating", "pooled", "oracle"]
ALL = [*TOGETHER, "alone"]


def _grid(
    shape: dict[str, Any], num_users: int | list[int], num_samples: int | list[int], method: list[str], num_seeds: int
) -> Grid:
    return Grid(
        **shape,
        num_users=num_users,
        num_samples=num_samples,
        similarity=0.5,
        noise=0.1,
        method=method,
        num_seeds=num_seeds,
    )


SWEEP = Sweep(
    name="noise",
    claim=(
        "The mean squared error per user follows sigma^2 (r1 r2 + (r1 (d1 - r1) + r2 (d2 - r2)) / k) / n: the price "
        "of the shared subspaces is split among the users and falls to that of an oracle as k grows."
    ),
    refuted_if=(
        "The error at fixed n does not fall with k towards the oracle's, or at fixed k does not fall as 1 / n for "
        "large n."
    ),
    presets={
        # A user alone is left out where it has fewer measurements than unknowns, and where many users only repeat
        # what few of them show.
        "smoke": [_grid(SQUARE, [4, 16], 96, ALL, 2)],
        "cpu": [
            _grid(SQUARE, [1, 4], 192, ALL, 12),
            _grid(SQUARE, [2, 8, 32], 192, TOGETHER, 12),
            _grid(SQUARE, 64, 192, TOGETHER, 6),
            _grid(SQUARE, 16, [24, 32, 48, 96], TOGETHER, 12),
            _grid(SQUARE, 16, [128, 192], ALL, 12),
            _grid(RECTANGLE, 16, [48, 192], TOGETHER, 12),
        ],
        "full": [
            _grid(SQUARE, [1, 2, 4, 8, 16], 192, ALL, 200),
            _grid(SQUARE, [32, 64, 128, 256], 192, TOGETHER, 200),
            _grid(SQUARE, 16, [12, 16, 24, 32, 48, 64], TOGETHER, 200),
            _grid(SQUARE, 16, [96, 128, 256, 384, 512], ALL, 200),
            _grid(RECTANGLE, [4, 16, 64], [96, 192, 384], ALL, 200),
        ],
    },
)

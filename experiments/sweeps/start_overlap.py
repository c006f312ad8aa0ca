"""How much of the subspaces does a spectral start find?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

# Few users and long sides: near its threshold the law errs by as much as a direction that is not found yet shows, which
# only large sides make small.
SHAPE: dict[str, Any] = {"num_users": 4, "num_rows": 200, "num_cols": 200, "rank": 2}
SIMILARITIES = [0.0, 0.5, 0.9]


def _grid(num_samples: list[int], similarity: list[float], num_seeds: int) -> Grid:
    return Grid(
        **SHAPE,
        num_samples=num_samples,
        similarity=similarity,
        method="start",
        start=["pooled", "stacked"],
        num_seeds=num_seeds,
        predict=["overlap"],
    )


SWEEP = Sweep(
    name="start_overlap",
    claim=(
        "A law of large random matrices predicts, from the cores and the sizes alone, the squared cosine between a "
        "spectral start and the truth: a pooled start needs similar cores, a stacked one does not but needs "
        "more samples, and each finds nothing below a threshold."
    ),
    refuted_if=(
        "The mean overlap over draws differs by more than 0.05 from the mean of the predictions at a point where that "
        "is above 0.3, both sides taken together."
    ),
    presets={
        "smoke": [_grid([64, 96], [0.5], 2)],
        # Draws by need: most where the law is least sure, few where it predicts less than 0.3.
        "cpu": [
            _grid([96], SIMILARITIES, 4),
            _grid([192], [0.0, 0.5], 6),
            _grid([192], [0.9], 12),
            _grid([384], [0.0], 40),
            _grid([384], [0.5], 24),
            _grid([384], [0.9], 16),
        ],
        "full": [_grid([24, 48, 96, 192, 384, 768], [0.0, 0.25, 0.5, 0.75, 0.9, 1.0], 50)],
    },
)

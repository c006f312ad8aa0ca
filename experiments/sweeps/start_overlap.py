"""How much of the subspaces does a spectral start find?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_users": 16, "num_rows": 100, "num_cols": 100, "rank": 2}
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
        "is above 0.3."
    ),
    presets={
        "smoke": [_grid([64, 96], [0.5], 2)],
        "cpu": [_grid([24, 48, 96, 192], SIMILARITIES, 5)],
        "full": [_grid([12, 24, 48, 96, 192, 384, 768], [0.0, 0.25, 0.5, 0.75, 0.9, 1.0], 50)],
    },
)

"""A published comparison of estimators for tasks with one representation."""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.published import NOISE_TIAN
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {
    "num_users": 50,
    "num_rows": 50,
    "num_cols": 1,
    "rank": [5, 1],
    "num_samples": 100,
    "noise": NOISE_TIAN,
}
METHODS = [
    "alone",
    "pooled",
    "method_of_moments",
    "nuclear_norm",
    "first_order",
    "scaled_lbfgs",
    "variable_projection",
    "oracle",
]


def _grid(num_seeds: int) -> Grid:
    return Grid(**SHAPE, method=METHODS, start="stacked", max_steps=1000, num_seeds=num_seeds)


SWEEP = Sweep(
    name="published_tian",
    claim=(
        "On draws as those of Tian, Gu and Feng (2023) with one representation for all the factored least-squares "
        "fit has a third of the error of each task alone, and every solver of ours finds it."
    ),
    refuted_if="The mean relative error of the factored fit is outside [0.12, 0.14].",
    presets={"smoke": [_grid(2)], "cpu": [_grid(50)], "full": [_grid(1000)]},
)

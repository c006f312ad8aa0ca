"""The published curves of multi-task linear representation learning: shared directions from many noisy tasks."""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.published import NOISE_TRIPURANENI
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_rows": 100, "num_cols": 1, "rank": [5, 1], "noise": NOISE_TRIPURANENI}


# Stopped at their start, and run to a minimum.
SPECTRAL, FITS = ["method_of_moments", "start"], ["first_order", "scaled_lbfgs"]


def _grid(num_users: int | list[int], num_samples: int, num_seeds: int, method: list[str]) -> Grid:
    return Grid(
        **SHAPE,
        num_users=num_users,
        num_samples=num_samples,
        method=method,
        start="stacked",
        max_steps=1000,
        num_seeds=num_seeds,
    )


SWEEP = Sweep(
    name="published_tripuraneni",
    claim=(
        "On the draws of Tripuraneni, Jin and Jordan (2020) the method of moments and the first-order estimator are as "
        "good as published; least squares from a start that knows whose the samples are is never worse."
    ),
    refuted_if=(
        "A mean sine differs from the published one by more than 0.03 and two standard errors, or ours is above that "
        "of the first-order estimator by more than a standard error."
    ),
    presets={
        "smoke": [_grid(200, 25, 2, SPECTRAL + FITS)],
        # The published numbers are means over 30 draws (10 for n = 300); fits to many tasks vary little.
        "cpu": [
            _grid([100, 200, 400], 25, 30, SPECTRAL + FITS),
            _grid([800, 1600, 3200, 6400], 25, 12, SPECTRAL),
            _grid([800, 1600], 25, 8, FITS),
            _grid([3200, 6400], 25, 3, FITS),
            _grid(100, 300, 10, SPECTRAL + FITS),
        ],
        "full": [
            _grid([100, 200, 400, 800, 1600, 3200, 6400], 25, 30, SPECTRAL + FITS),
            _grid([100, 400, 1600, 6400], 300, 10, SPECTRAL + FITS),
        ],
    },
)

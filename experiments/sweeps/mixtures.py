"""Do users take one of few adapters, or mix them, and what does the wrong assumption cost?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.sweep import Sweep

# Twenty-two samples are four measurements for each unknown if all users mix.
SHAPE: dict[str, Any] = {"num_users": 12, "num_rows": 8, "num_cols": 7, "num_samples": 22, "noise": 0.1}
METHODS = ["mixing_clusters", "mixing_simplex", "mixture", "mixing_colora", "pooled"]


def _grid(fractions: list[float], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, truth="mixing_users", method=METHODS, level=fractions, num_seeds=num_seeds)


SWEEP = Sweep(
    name="mixtures",
    claim=(
        "To assume that every user takes one of few adapters costs much as soon as a quarter of them mixes; to allow "
        "mixing where nobody does costs no more than the count of the shares."
    ),
    refuted_if=(
        "With at least a quarter of the users mixing the median squared error of clusters is less than four times that "
        "of the mixture, or with none the median squared error of the mixture is more than 1.25 times that of clusters."
    ),
    presets={
        "smoke": [_grid([0.0, 1.0], 1)],
        "cpu": [_grid([0.0, 0.25, 0.5, 0.75, 1.0], 20)],
        "full": [_grid([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0], 200)],
    },
)

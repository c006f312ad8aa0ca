"""Do intervals hold what they say, and does a prior help?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"truth": "normal_cores", "num_users": 10, "num_rows": 6, "num_cols": 5, "noise": 0.25}
METHODS = ["intervals_laplace", "intervals_given_subspaces", "intervals_plug_in", "intervals_cramer_rao"]


def _grid(oversampling: list[float], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, oversampling=oversampling, level=0.5, num_seeds=num_seeds, method=METHODS)


SWEEP = Sweep(
    name="posterior_calibration",
    claim=(
        "Intervals for new measurements hold what they say if they count the errors of cores and subspaces, Bayesian "
        "ones (Laplace) as well as those of Cramer and Rao, at four measurements for each unknown; intervals of the "
        "noise alone, and those that take the subspaces as known, are too short."
    ),
    refuted_if=(
        "At N / DoF >= 4 the mean coverage of nominal 90% intervals of Laplace is outside 87 to 93%, or that of the "
        "noise alone at N / DoF <= 4 is not below 87%."
    ),
    presets={
        "smoke": [_grid([4.0], 2)],
        "cpu": [_grid([1.3, 1.5, 2.0, 3.0, 4.0, 8.0], 200)],
        "full": [_grid([1.3, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0], 500)],
    },
)

"""Does it pay to allot ranks by what layers contribute?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.sweep import Sweep

# Three layers of 4 x 6 with ranks 1, 1 and 4.
SHAPE: dict[str, Any] = {"truth": "budgeted", "num_users": 5, "num_rows": 12, "num_cols": 6, "noise": 0.1}
METHODS = ["budgeted_oracle", "budgeted_by_fit", "budgeted_by_moments", "budgeted_evenly"]


def _grid(oversampling: list[float], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, oversampling=oversampling, method=METHODS, num_seeds=num_seeds)


SWEEP = Sweep(
    name="budgeted",
    claim=(
        "Ranks allotted by what each layer contributes to a fit at larger ranks are those of the truth as soon as that "
        "fit is determined, and cost nothing then; even ranks of the same sum err by their bias, however many the data."
    ),
    refuted_if=(
        "At four measurements per unknown the median error after allotting exceeds that with the true ranks by more "
        "than 5%, or that of even ranks is less than ten times as large."
    ),
    presets={
        "smoke": [_grid([4.0], 2)],
        "cpu": [_grid([3.0, 4.0, 6.0, 8.0], 7)],
        "full": [_grid([2.0, 3.0, 4.0, 6.0, 8.0, 16.0], 100)],
    },
)

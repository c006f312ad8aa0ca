"""Which structure serves which truth?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.family.truths import STRUCTURES
from colora_theory.experiments.sweep import Sweep

# As many samples as give every one of the truths four measurements for each of its unknowns.
SHAPE: dict[str, Any] = {"num_users": 6, "num_rows": 8, "num_cols": 7, "num_samples": 74, "noise": 0.1}
NAMES = list(STRUCTURES)


def _grid(truths: list[str], methods: list[str], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, truth=truths, method=methods, num_seeds=num_seeds)


SWEEP = Sweep(
    name="cross_fit",
    claim=(
        "Fitted to a truth of its own, every structure reaches the Cramer-Rao bound; a larger structure that holds the "
        "truth costs what its further unknowns cost; and a smaller one errs by its bias, whatever the noise."
    ),
    refuted_if=(
        "A structure's mean squared error on its own truth exceeds the bound by more than 10%, or 30% for a mixture, "
        "or that of a structure that holds the truth differs from its count by more than 20%."
    ),
    presets={
        "smoke": [_grid(["shared_both", "pooled"], ["shared_both", "shared_right", "pooled"], 2)],
        "cpu": [_grid(NAMES, NAMES, 10)],
        "full": [_grid(NAMES, NAMES, 200)],
    },
)

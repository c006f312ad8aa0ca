"""Do several A and B in one adapter serve better than one of each?"""

from typing import Any

from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"truth": "similar_users", "num_users": 6, "num_rows": 10, "num_cols": 9, "level": [0.5, 0.9]}
METHODS = ["lora", "lora_wide", "cola_full", "cola_heuristic", "cola_random", "cola_disturbed", "colora"]
SCARCE: dict[str, Any] = {"noise": 0.1, "oversampling": [1.2, 2.0, 4.0, 8.0]}
NOISY: dict[str, Any] = {"noise": [0.3, 1.0], "oversampling": 2.0}


def _grid(axes: dict[str, Any], num_seeds: int) -> FamilyGrid:
    return FamilyGrid(**SHAPE, **axes, method=METHODS, num_seeds=num_seeds)


SWEEP = Sweep(
    name="collaborative",
    claim=(
        "Trained long from an equal start, CoLA's three strategies err as one LoRA of their rank, to which they are "
        "equal or tend; a LoRA of as many trained numbers errs more; and personal cores (CoLoRA) err less as soon as "
        "the data determine them, the sooner the less similar the users are."
    ),
    refuted_if=(
        "The median squared error of the strategies differs from that of LoRA by more than 5%, that of the wide LoRA "
        "is smaller than that of the narrow one, or that of LoRA less than four times that of CoLoRA at similarity .5 "
        "and four measurements per unknown."
    ),
    presets={
        "smoke": [_grid({"noise": 0.1, "oversampling": 4.0}, 2)],
        "cpu": [_grid(SCARCE, 5), _grid(NOISY, 5)],
        "full": [_grid(SCARCE, 100), _grid(NOISY, 100)],
    },
)

"""Where does collaboration stop paying when the subspaces are not quite shared?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_users": 16, "num_rows": 20, "num_cols": 20, "rank": 2}


def _grid(misalignment: list[float], num_seeds: int, similarity: float = 0.5, num_samples: int = 160) -> Grid:
    return Grid(
        **SHAPE,
        num_samples=num_samples,
        noise=0.3,
        similarity=similarity,
        misalignment=misalignment,
        method=["variable_projection", "alone", "pooled"],
        num_seeds=num_seeds,
        max_steps=1000,
        predict=["transfer"],
    )


SWEEP = Sweep(
    name="misalignment",
    claim=(
        "What shared subspaces cannot express costs its squared norm and acts as further noise: this predicts the "
        "error of all users together and of one pooled adapter. With the law of a user alone, which is of first order "
        "in the noise and too low where a user is nearly of lower rank, it gives the angle between the users' own "
        "subspaces from which on collaboration hurts."
    ),
    refuted_if=(
        "A median error of all users together or of the pooled adapter differs by more than 25% from the predicted one "
        "at any angle, or the angles at which the measured and the predicted curves cross differ by more than 20%."
    ),
    presets={
        "smoke": [_grid([0.0, 0.3], 2)],
        "cpu": [_grid([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5], 6)],
        "full": [
            _grid([step / 40 for step in range(21)], 100, similarity, num_samples)
            for similarity, num_samples in ((0.5, 160), (0.0, 160), (0.9, 160), (0.5, 320))
        ],
    },
)

"""When do similar tasks help, and when does collaboration begin to hurt?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SQUARE: dict[str, Any] = {"num_users": 16, "num_rows": 20, "num_cols": 20, "rank": 2}
RECTANGLE: dict[str, Any] = {"num_users": 16, "num_rows": 24, "num_cols": 16, "rank": [3, 2]}
STARTS = ["pooled", "stacked", "random"]
METHODS = ["alternating", "alone", "pooled", "oracle"]


def _starts(shape: dict[str, Any], num_samples: int | list[int], similarity: list[float], num_seeds: int) -> Grid:
    return Grid(**shape, num_samples=num_samples, similarity=similarity, start=STARTS, num_seeds=num_seeds)


def _misaligned(similarity: float, misalignment: list[float], num_seeds: int) -> Grid:
    # Enough samples for a user alone, and enough noise that being alone has a price.
    return Grid(
        **SQUARE,
        num_samples=192,
        noise=0.5,
        similarity=similarity,
        misalignment=misalignment,
        method=METHODS,
        num_seeds=num_seeds,
    )


SWEEP = Sweep(
    name="similarity",
    claim=(
        "With few samples a pooled start succeeds where the cores are similar and fails where they are not; a stacked "
        "start does not care. Sharing subspaces beats being alone until the users' own subspaces are turned away by "
        "an angle of the order of the error of a user alone; beyond it sharing hurts."
    ),
    refuted_if=(
        "The pooled start does not gain from similarity, or sharing stays better than being alone at every angle."
    ),
    presets={
        "smoke": [
            _starts(SQUARE, 20, [0.0, 0.9], 4),
            _misaligned(0.5, [0.0, 0.3], 2),
        ],
        "cpu": [
            _starts(SQUARE, 20, [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0], 20),
            _starts(RECTANGLE, 24, [0.0, 0.1, 0.3, 0.5, 0.9], 20),
            _misaligned(0.5, [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 1.0], 8),
        ],
        "full": [
            _starts(SQUARE, 20, [step / 20 for step in range(21)], 200),
            _starts(RECTANGLE, 24, [step / 20 for step in range(21)], 200),
            *(_misaligned(similarity, [step / 40 for step in range(41)], 100) for similarity in (0.0, 0.5, 0.9)),
        ],
    },
)

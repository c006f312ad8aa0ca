"""How fast do the solvers converge, and what sets their rate?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SQUARE: dict[str, Any] = {"num_users": 16, "num_rows": 20, "num_cols": 20, "rank": 2}
RECTANGLE: dict[str, Any] = {"num_users": 16, "num_rows": 24, "num_cols": 16, "rank": [3, 2]}
METHODS = ["alternating", "variable_projection", "gradient_descent", "altgdmin"]


def _grid(shape: dict[str, Any], oversampling: list[float], num_seeds: int, max_steps: int) -> Grid:
    return Grid(
        **shape, oversampling=oversampling, method=METHODS, num_seeds=num_seeds, max_steps=max_steps, trace=True
    )


SWEEP = Sweep(
    name="convergence",
    claim=(
        "Without noise alternating minimization and both gradient methods converge linearly, alternating in the fewest "
        "steps of the three and at a rate that improves with N / DoF; variable projection converges quadratically."
    ),
    refuted_if=(
        "The error of alternating minimization stalls above 1e-12 at N / DoF >= 3, or its factor per step does not "
        "fall as N / DoF grows, or variable projection needs more than half of its steps."
    ),
    presets={
        "smoke": [_grid(SQUARE, [4.0, 5.0], 2, 500)],
        "cpu": [
            _grid(SQUARE, [1.75, 2.0, 3.0, 5.0, 10.0], 10, 1000),
            _grid(RECTANGLE, [3.0], 10, 1000),
        ],
        "full": [
            _grid(SQUARE, [1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0], 100, 5000),
            _grid(RECTANGLE, [1.5, 2.0, 3.0, 5.0, 10.0], 100, 5000),
        ],
    },
)

"""What would a federation have to send, and what if not everybody answers?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_users": 30, "num_rows": 20, "num_cols": 20, "rank": 2, "similarity": 0.5}
SHARED = ["alternating", "variable_projection", "altgdmin", "gradient_descent"]
AVERAGED = ["average_factors", "average_products"]
ATTENDED = [
    "alternating_half",
    "alternating_fifth",
    "alternating_late",
    "altgdmin_half",
    "altgdmin_fifth",
    "altgdmin_late",
]


def _grid(oversampling: float | list[float], num_seeds: int, max_steps: int, method: list[str]) -> Grid:
    return Grid(**SHAPE, oversampling=oversampling, num_seeds=num_seeds, max_steps=max_steps, method=method, trace=True)


SWEEP = Sweep(
    name="communication",
    claim=(
        "If users keep their data, gradients of the shared subspaces cost fewer bytes than normal equations, which "
        "cost fewer rounds; averaging separate adapters, by factors or by products, ends at the spread of the users; "
        "and half of the users, drawn anew in every round, are enough."
    ),
    refuted_if=(
        "Alternating minimization sends less than twice of what AltGDmin sends until an error of 1e-6, or AltGDmin "
        "takes fewer than four times the rounds of variable projection, or a run of averaged adapters ends below an "
        "error of 0.4, or alternating minimization with half of the users needs more than twice the steps."
    ),
    presets={
        # One program for each method: compiling takes nearly all of the time.
        "smoke": [_grid(5.0, 2, 300, ["alternating", "altgdmin"]), _grid(5.0, 2, 20, ["average_factors"])],
        "cpu": [_grid(5.0, 20, 1000, SHARED), _grid(5.0, 20, 100, AVERAGED), _grid(5.0, 20, 200, ATTENDED)],
        "full": [
            _grid([2.0, 3.0, 5.0, 10.0], 200, 5000, SHARED),
            _grid([2.0, 3.0, 5.0, 10.0], 200, 300, AVERAGED),
            _grid([2.0, 3.0, 5.0, 10.0], 200, 1000, ATTENDED),
        ],
    },
)

"""Does it matter what is measured: full matrices, bilinear forms, whole outputs, single entries?"""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.sweep import Sweep

SQUARE: dict[str, Any] = {"num_users": 16, "num_rows": 20, "num_cols": 20, "rank": 2, "similarity": 0.5}


def _grids(
    num_samples: list[int], num_entries: list[int], num_outputs: list[int], num_seeds: int, method: str
) -> list[Grid]:
    common: dict[str, Any] = {**SQUARE, "max_steps": 60, "num_seeds": num_seeds}
    return [
        # From the best start there is: what is asked is what the measurements can tell.
        Grid(**common, design=["gaussian", "rank_one"], num_samples=num_samples, method=method),
        Grid(**common, design="entries", num_samples=num_entries, method=method),
        Grid(**common, design="vector_output", num_samples=num_outputs, method=method),
        # Even one output for each user shows U.
        Grid(**common, design="vector_output", num_samples=[1, *num_outputs], method="start"),
    ]


SWEEP = Sweep(
    name="operators",
    claim=(
        "Counting, not the kind of measurement, sets the number of samples: without noise bilinear forms need hardly "
        "more measurements than full matrices and single entries about twice as many; vector outputs show U at once, "
        "but count r1 numbers for each, not d1."
    ),
    refuted_if=(
        "Half of the runs succeed only from 1.25 times the N / DoF of full matrices on for bilinear forms, or from "
        "twice that for single entries; or the start from vector outputs does not have U exactly."
    ),
    # Few lengths after padding, and no starts in the smallest: compiling takes most of the time.
    presets={
        "smoke": _grids([16], [16], [4], 2, "oracle")[:3],
        "cpu": _grids([9, 10, 11, 12, 14, 16], [12, 14, 16, 20, 24], [2, 3, 4, 6], 80, "annealed"),
        "full": _grids([*range(9, 25), 28, 32], [*range(9, 25), 28, 32, 40], [*range(2, 11)], 400, "annealed"),
    },
)

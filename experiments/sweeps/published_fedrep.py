"""The published simulation of FedRep: exact heads and one gradient step of the shared representation a round."""

from typing import Any

from colora_theory.experiments.config import Grid
from colora_theory.experiments.published import NOISE_COLLINS
from colora_theory.experiments.sweep import Sweep

SHAPE: dict[str, Any] = {"num_rows": 20, "num_cols": 1, "rank": [2, 1], "noise": NOISE_COLLINS}


def _rounds(rounds: list[int], num_seeds: int) -> list[Grid]:
    """One grid for each number of rounds: where a run is after so many."""
    return [
        Grid(
            **SHAPE,
            num_users=100,
            num_samples=10,
            method=["fedrep", "fed_sgd"],
            max_steps=number,
            num_seeds=num_seeds,
        )
        for number in rounds
    ]


def _ours(num_seeds: int) -> Grid:
    return Grid(
        **SHAPE, num_users=100, num_samples=10, method="variable_projection", start="stacked", num_seeds=num_seeds
    )


SWEEP = Sweep(
    name="published_fedrep",
    claim=(
        "On the draws of Collins et al. (2021) FedRep finds the shared directions within a hundred rounds from a "
        "random start, and averaged gradient descent on one model never does."
    ),
    refuted_if=(
        "The median of the squared sines of FedRep is above 1e-6 after 100 rounds, or that of FedSGD is below 0.9."
    ),
    presets={
        "smoke": [*_rounds([100], 2), _ours(2)],
        "cpu": [*_rounds([1, 10, 20, 30, 40, 50, 60, 80, 100], 30), _ours(30)],
        "full": [*_rounds([1, *range(5, 101, 5)], 300), _ours(300)],
    },
)

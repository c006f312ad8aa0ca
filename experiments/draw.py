"""One drawn instance of a sweep: the axes that define its data, and its seed."""

import dataclasses
import math

import colora_theory as ct
from colora_theory.experiments.designs import DESIGNS

Rank = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Draw:
    """Everything that the data of one cell depend on; no solver, no start, no order."""

    num_users: int
    num_rows: int
    num_cols: int
    rank: Rank
    similarity: float
    misalignment: float | None
    condition_number: float | None
    num_samples: int
    noise: float
    seed: int
    design: str = "gaussian"
    noise_kind: str = "gaussian"

    @property
    def degrees_of_freedom(self) -> int:
        """Number of unknowns of all users together."""
        return ct.theory.degrees_of_freedom(self.num_users, self.num_rows, self.num_cols, self.rank)

    @property
    def oversampling(self) -> float:
        """Scalar measurements over degrees of freedom."""
        scalars = self.num_samples * DESIGNS[self.design].scalars_per_sample(self.num_rows)
        return ct.theory.oversampling(scalars, self.num_users, self.num_rows, self.num_cols, self.rank)


def samples_for(oversampling: float, num_users: int, num_rows: int, num_cols: int, rank: Rank, design: str) -> int:
    """The fewest samples per user with so many scalar measurements over degrees of freedom."""
    scalars = num_users * DESIGNS[design].scalars_per_sample(num_rows)
    return math.ceil(oversampling * ct.theory.degrees_of_freedom(num_users, num_rows, num_cols, rank) / scalars)

"""One drawn instance of a sweep: the axes that define its data, and its seed."""

import dataclasses

import colora_theory as ct

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

    @property
    def degrees_of_freedom(self) -> int:
        """Number of unknowns of all users together."""
        return ct.theory.degrees_of_freedom(self.num_users, self.num_rows, self.num_cols, self.rank)

    @property
    def oversampling(self) -> float:
        """Scalar measurements over degrees of freedom."""
        return ct.theory.oversampling(self.num_samples, self.num_users, self.num_rows, self.num_cols, self.rank)

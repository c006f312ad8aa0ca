"""The sizes of the tasks in a table, and what counting says about them."""

from typing import NamedTuple

import pandas as pd

from colora_theory import theory
from colora_theory.figures.style import TIMES

_COLUMNS = ["num_rows", "num_cols", "rank_left", "rank_right"]


class Shape(NamedTuple):
    """d1, d2, r1, r2."""

    num_rows: int
    num_cols: int
    rank_left: int
    rank_right: int

    @property
    def size(self) -> str:
        """As d1 x d2."""
        return f"{self.num_rows}{TIMES}{self.num_cols}"

    @property
    def label(self) -> str:
        """As it stands in captions."""
        r1, r2 = self.rank_left, self.rank_right
        return f"{self.size}, " + (f"r = {r1}" if r1 == r2 else f"r = ({r1}, {r2})")

    @property
    def math(self) -> str:
        """The label with symbols set as mathematics."""
        return self.label.replace("r", "$r$")

    @property
    def core_size(self) -> int:
        """The unknowns of a user whose subspaces are known, r1 r2."""
        return self.rank_left * self.rank_right

    @property
    def alone(self) -> int:
        """The unknowns of a user alone, r (d1 + d2 - r)."""
        return theory.degrees_of_freedom_alone(self.num_rows, self.num_cols, (self.rank_left, self.rank_right))

    def per_user(self, num_users: float) -> float:
        """DoF / k = r1 r2 + (r1 (d1 - r1) + r2 (d2 - r2)) / k, also between whole numbers of users."""
        r1, r2 = self.rank_left, self.rank_right
        return self.core_size + (r1 * (self.num_rows - r1) + r2 * (self.num_cols - r2)) / num_users

    def necessary(self, num_users: int) -> int:
        """The fewest samples per user that counting allows."""
        return theory.necessary_samples(num_users, self.num_rows, self.num_cols, (self.rank_left, self.rank_right))


def by_shape(rows: pd.DataFrame) -> dict[Shape, pd.DataFrame]:
    """The rows of every shape, the shape with most of them first."""
    shapes = [Shape(*sizes) for sizes in rows[_COLUMNS].drop_duplicates().astype(int).itertuples(index=False)]
    groups = {shape: rows[(rows[_COLUMNS] == list(shape)).all(axis=1)] for shape in shapes}
    return dict(sorted(groups.items(), key=lambda item: -len(item[1])))

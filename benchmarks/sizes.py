"""The sizes of the problems that are measured."""

import dataclasses
from collections.abc import Sequence

from benchmarks.errors import check_names


@dataclasses.dataclass(frozen=True)
class Size:
    """One shape of noiseless heterogeneous linear regression.

    Attributes:
        name: how it is called.
        num_users: k.
        num_rows: d1.
        num_cols: d2.
        rank: (r1, r2).
        num_samples: n, of one user.
        condition_number: of the stacked cores; None leaves them as drawn.
    """

    name: str
    num_users: int
    num_rows: int
    num_cols: int
    rank: tuple[int, int]
    num_samples: int
    condition_number: float | None = None

    @property
    def data_bytes(self) -> int:
        """The bytes of all sensing matrices, in float64."""
        return 8 * self.num_users * self.num_samples * self.num_rows * self.num_cols

    @property
    def seed(self) -> str:
        """What the random numbers depend on: sizes that differ in their condition number only share them."""
        return self.name.partition("-")[0]

    def describe(self) -> str:
        """The shape in words."""
        r1, r2 = self.rank
        rank = f"r = {r1}" if r1 == r2 else f"r = ({r1}, {r2})"
        condition = f", condition number {self.condition_number:g}" if self.condition_number else ""
        return f"k = {self.num_users}, {self.num_rows} x {self.num_cols}, {rank}, n = {self.num_samples}{condition}"


SIZES = {
    size.name: size
    for size in (
        Size("T", 4, 6, 6, (1, 1), 20),
        Size("M1", 30, 20, 20, (2, 2), 60),
        Size("M1-c10", 30, 20, 20, (2, 2), 60, 10.0),
        Size("M1-c100", 30, 20, 20, (2, 2), 60, 100.0),
        Size("R", 60, 48, 24, (4, 2), 80),
        Size("M2", 100, 40, 40, (3, 3), 100),
        Size("L", 200, 64, 64, (4, 4), 100),
        Size("V", 600, 600, 1, (4, 1), 198),
    )
}


def select(names: Sequence[str]) -> list[Size]:
    """The sizes of these names, in the order of the table; all of them for "all".

    Raises:
        BenchError: for an unknown name.
    """
    wanted = check_names("size", names, SIZES)
    return [size for name, size in SIZES.items() if name in wanted]

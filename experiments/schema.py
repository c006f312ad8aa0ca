"""What all schemas of configurations share."""

import math
from collections.abc import Collection
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from colora_theory.experiments.errors import shown

# Far beyond what anyone writes by hand: what is larger would be planned for hours.
LARGEST_INTEGER = 2**31 - 1
MOST_CELLS = 10**6


class Strict(BaseModel):
    """Base of the schemas: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Axes(Strict):
    """Base of the grids: every axis takes one value or a list of values."""

    # (smallest, largest) allowed value of the axes that have bounds of their own.
    bounds: ClassVar[dict[str, tuple[float, float]]]

    def values(self, name: str) -> list[Any]:
        """The values of one axis, a scalar as a list of one."""
        value = getattr(self, name)
        return value if isinstance(value, list) else [value]

    def check_axes(self, *, may_be_empty: Collection[str] = ()) -> None:
        """That every axis has a value, and the values of those with bounds are within.

        Raises:
            ValueError: If one has not.
        """
        for name in type(self).model_fields:
            if not self.values(name) and name not in may_be_empty:
                raise ValueError(f"{name} is an empty list; give at least one value")
        for name, (low, high) in self.bounds.items():
            for value in self.values(name):
                check_bounds(name, value, low, high)


def check_bounds(name: str, value: float | None, low: float, high: float) -> None:
    """That a value of an axis is finite and within its bounds; None is no value.

    Raises:
        ValueError: If it is not.
    """
    if value is None or (low <= value <= high and value < math.inf):
        return
    if low == 0 and high < math.inf:
        raise ValueError(f"{name} {shown(value)} is outside [{low}, {high}]")
    if low <= value < math.inf:
        raise ValueError(f"{name} {shown(value)} exceeds {high}")
    raise ValueError(f"{name} {shown(value)} must be finite and at least {low}")


def check_cells(number: int) -> None:
    """That a sweep is not larger than anyone wants.

    Raises:
        ValueError: If it is.
    """
    if number > MOST_CELLS:
        raise ValueError(f"{number} cells are more than {MOST_CELLS}: make several smaller sweeps of them")

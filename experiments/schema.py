"""What all schemas of configurations share."""

import math

from pydantic import BaseModel, ConfigDict

from colora_theory.experiments.errors import shown

# Far beyond what anyone writes by hand: what is larger would be planned for hours.
LARGEST_INTEGER = 2**31 - 1
MOST_CELLS = 10**6


class Strict(BaseModel):
    """Base of the schemas: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


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

"""An estimate with its interval."""

import dataclasses

import numpy as np
from scipy import special


@dataclasses.dataclass(frozen=True)
class Interval:
    """Estimates of several numbers, each with an interval of its own (not one for all of them at once).

    Attributes:
        estimate: of any shape, as are the next three.
        standard_error: standard deviation of the estimate; infinite where the data do not determine it.
        lower: end of the interval.
        upper: other end.
        level: share of draws in which the interval of a number contains it, if `reliable`.
        reliable: whether the level can be trusted at the global minimum, see `Reliability`.
        reason: why, or why not.
    """

    estimate: np.ndarray
    standard_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float
    reliable: bool
    reason: str

    @property
    def half_width(self) -> np.ndarray:
        """Half the length of the intervals."""
        width: np.ndarray = (self.upper - self.lower) / 2
        return width

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Of each number whether it lies in its interval."""
        inside: np.ndarray = (self.lower <= values) & (values <= self.upper)
        return inside


def check_level(level: float) -> None:
    """Raises a ValueError for a level outside (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level {level} is outside (0, 1): for instance 0.9")


def student_quantile(spare: np.ndarray | float, level: float) -> np.ndarray:
    """How many standard errors a two-sided interval of this level reaches: infinite with nothing spare.

    Args:
        spare: degrees of freedom of the estimated noise.
        level: in (0, 1).

    Raises:
        ValueError: for a level outside (0, 1).
    """
    check_level(level)
    spare = np.asarray(spare, float)
    quantile: np.ndarray = np.where(spare > 0, special.stdtrit(np.where(spare > 0, spare, 1), (1 + level) / 2), np.inf)
    return quantile

"""The rules of the claims in words and as a stretch of numbers."""

import dataclasses
import math

from colora_theory.experiments.claims.evidence import AbstractRule, Attains, Inside


@dataclasses.dataclass(frozen=True)
class Reading:
    """A rule as a reader needs it.

    Attributes:
        low: where the values that it allows begin; minus infinity if nowhere.
        high: where they end; infinity if nowhere.
        holds: when a claim holds, in words.
        refuted: when it is refuted.
    """

    low: float
    high: float
    holds: str
    refuted: str

    @property
    def bounds(self) -> tuple[float, ...]:
        """The finite ends, without repetition."""
        return tuple(dict.fromkeys(bound for bound in (self.low, self.high) if math.isfinite(bound)))


def read(rule: AbstractRule) -> Reading:
    """A rule in words and numbers.

    Raises:
        TypeError: If nobody has said yet how a rule of that class reads.
    """
    match rule:
        case Inside(low=low, high=high):
            return _inside(low, high)
        case Attains(bound=bound, ceiling=ceiling):
            return Reading(
                bound,
                ceiling,
                f"the estimate is at most {ceiling:g} and its interval is not wholly below {bound:g}",
                f"the whole interval lies below {bound:g} or above {ceiling:g}",
            )
    raise TypeError(f"no words for a rule of class {type(rule).__name__}; they belong into experiments/report/rules.py")


def _inside(low: float, high: float) -> Reading:
    if math.isinf(high):
        return Reading(low, high, f"the whole interval is at least {low:g}", f"the whole interval lies below {low:g}")
    if math.isinf(low):
        return Reading(low, high, f"the whole interval is at most {high:g}", f"the whole interval lies above {high:g}")
    if low == high:
        return Reading(low, high, f"the whole interval is {low:g}", f"the interval does not contain {low:g}")
    return Reading(
        low,
        high,
        f"the whole interval lies between {low:g} and {high:g}",
        f"the whole interval lies below {low:g} or above {high:g}",
    )

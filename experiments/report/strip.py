"""An estimate with its interval against the bounds of a rule, as places on a strip from 0 to 1."""

import dataclasses
import math
from collections.abc import Callable

from colora_theory.experiments.claims.evidence import Evidence
from colora_theory.experiments.report.rules import Reading

# So many times as large as the smallest number, the largest asks for a logarithmic scale.
_FAR = 20.0
_PADDING = 0.12


@dataclasses.dataclass(frozen=True)
class Mark:
    """A bound.

    Attributes:
        place: where it is.
        label: its number.
        anchor: where the label is from there: start, middle or end.
    """

    place: float
    label: str
    anchor: str


@dataclasses.dataclass(frozen=True)
class Strip:
    """What is drawn of an estimate; all places are shares of the width.

    Attributes:
        value: place of the estimate.
        label: its number.
        anchor: where its label is from there: start, middle or end.
        low: lower end of its interval; 0 if the interval is open there.
        high: upper end; 1 if it is open.
        open_low: whether the interval goes on beyond the left end.
        open_high: whether it goes on beyond the right end.
        allowed: ends of what the rule allows.
        marks: the bounds of the rule.
        logarithmic: whether equal steps are equal quotients.
        words: all that in words.
    """

    value: float
    label: str
    anchor: str
    low: float
    high: float
    open_low: bool
    open_high: bool
    allowed: tuple[float, float]
    marks: tuple[Mark, ...]
    logarithmic: bool
    words: str


def strip(evidence: Evidence, reading: Reading) -> Strip:
    """Where the numbers of an estimate and of a rule are."""
    ends = evidence.low, evidence.high
    numbers = [number for number in (evidence.value, *ends, *reading.bounds) if math.isfinite(number)]
    logarithmic = bool(numbers) and min(numbers) > 0 and max(numbers) > _FAR * min(numbers)
    place = _scale(numbers, logarithmic)
    allowed = place(reading.low), place(reading.high)
    value = place(evidence.value)
    return Strip(
        value=value,
        label=f"{evidence.value:.3g}",
        anchor=_anchor(value),
        low=place(evidence.low),
        high=place(evidence.high),
        open_low=math.isinf(evidence.low),
        open_high=math.isinf(evidence.high),
        allowed=allowed,
        marks=_marks(reading.bounds, place),
        logarithmic=logarithmic,
        words=_words(evidence, reading, logarithmic),
    )


def _scale(numbers: list[float], logarithmic: bool) -> Callable[[float], float]:
    """From a number to its place; infinities are at the ends."""
    places = [math.log(number) for number in numbers] if logarithmic else numbers
    first, last = min(places, default=0.0), max(places, default=0.0)
    # One number alone stands in the middle.
    span = last - first or max(abs(first), 1.0)
    start = (first + last - span) / 2 - _PADDING * span
    width = span * (1 + 2 * _PADDING)

    def place(number: float) -> float:
        if math.isinf(number):
            return 0.0 if number < 0 else 1.0
        return ((math.log(number) if logarithmic else number) - start) / width

    return place


def _marks(bounds: tuple[float, ...], place: Callable[[float], float]) -> tuple[Mark, ...]:
    places = [place(bound) for bound in bounds]
    # Labels of two bounds that are close lean away from each other.
    close = len(places) == 2 and places[1] - places[0] < 0.25
    anchors = ["end", "start"] if close else [_anchor(there) for there in places]
    return tuple(Mark(at, f"{bound:g}", to) for at, bound, to in zip(places, bounds, anchors, strict=True))


def _anchor(place: float) -> str:
    return "start" if place < 0.12 else "end" if place > 0.88 else "middle"


def _words(evidence: Evidence, reading: Reading, logarithmic: bool) -> str:
    exact = evidence.low == evidence.high
    interval = "" if exact else f", 95% interval {evidence.low:.3g} to {evidence.high:.3g}"
    scale = ", on a logarithmic scale" if logarithmic else ""
    return f"measured {evidence.value:.3g}{interval}; holds if {reading.holds}{scale}"

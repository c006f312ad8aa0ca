"""What a table says of a claim: an estimate with an interval, and the rules that judge it."""

import abc
import dataclasses
import enum
import math

from colora_theory.experiments.errors import ColoraError


class NoDataError(ColoraError):
    """A table that is missing, or that has too little in it to judge by."""


class Verdict(enum.StrEnum):
    """What became of a claim."""

    HOLDS = "HOLDS"
    REFUTED = "REFUTED"
    UNDECIDED = "UNDECIDED"  # the interval lies on both sides of a bound
    NO_DATA = "NO DATA"
    NOT_ASKED = "NOT ASKED"  # the preset is too small to decide it


@dataclasses.dataclass(frozen=True)
class Evidence:
    """An estimate.

    Attributes:
        value: the estimate, in the units of the claim's prediction.
        low: lower end of its 95% interval; the value itself where the claim is about every single row.
        high: upper end.
        count: number of rows or pairs of rows behind it.
        detail: what else is worth knowing, in a few words.

    Raises:
        NoDataError: If the estimate or an end is not a number.
    """

    value: float
    low: float
    high: float
    count: int
    detail: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            if math.isnan(getattr(self, name)):
                raise NoDataError(f"the {name} of the estimate from {self.count} rows is not a number")

    def __str__(self) -> str:
        interval = "" if self.low == self.high else f" [{self.low:.3g}, {self.high:.3g}]"
        detail = f"; {self.detail}" if self.detail else ""
        return f"{self.value:.3g}{interval}, {self.count} rows{detail}"


class AbstractRule(abc.ABC):
    """Judges an estimate."""

    @abc.abstractmethod
    def judge(self, evidence: Evidence) -> Verdict:
        """HOLDS, REFUTED or UNDECIDED."""


@dataclasses.dataclass(frozen=True)
class Inside(AbstractRule):
    """The whole interval must lie between two bounds; an interval wholly outside refutes."""

    low: float = -math.inf
    high: float = math.inf

    def judge(self, evidence: Evidence) -> Verdict:
        if self.low <= evidence.low and evidence.high <= self.high:
            return Verdict.HOLDS
        apart = evidence.high < self.low or evidence.low > self.high
        return Verdict.REFUTED if apart else Verdict.UNDECIDED


@dataclasses.dataclass(frozen=True)
class Attains(AbstractRule):
    """A bound that no truth can undercut must be reached: no estimate surely below it, none above the ceiling."""

    bound: float
    ceiling: float

    def judge(self, evidence: Evidence) -> Verdict:
        if evidence.high < self.bound or evidence.low > self.ceiling:
            return Verdict.REFUTED
        return Verdict.HOLDS if evidence.value <= self.ceiling else Verdict.UNDECIDED

"""What every method is given, and what it leaves behind."""

import dataclasses
import math
import time
from collections.abc import Callable

from benchmarks.draws import Data, Factors, relative_error

TARGET = 1e-6  # the relative error whose time is measured
STOP = 1e-10  # relative residual at which the peers stop that would go on for ever


class TimeCap(Exception):  # noqa: N818 - not an error: a way for a run to end
    """The run has used up its time."""


class Recorder:
    """Time stamps and copies of the iterates; errors are computed after the run, off the clock.

    Attributes:
        cap: seconds, after which recording ends the run by raising `TimeCap`.
        seconds: since the beginning, of every record.
        iterates: the factors of every record.
        steps: of the whole run; a method that records now and then counts them itself.
    """

    def __init__(self, cap: float) -> None:
        self.cap = cap
        self.seconds: list[float] = []
        self.iterates: list[Factors] = []
        self.steps = 0
        self._began = time.perf_counter()

    def __call__(self, factors: Factors) -> None:
        """Record an iterate.

        Raises:
            TimeCap: if the time is up.
        """
        self.seconds.append(time.perf_counter() - self._began)
        self.iterates.append(factors.copy())
        if self.seconds[-1] > self.cap:
            raise TimeCap


Solve = Callable[[Recorder], None]  # one complete run, which records its iterates


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was measured of one method on one problem.

    Attributes:
        seconds: the clock at the points of the trace.
        errors: the relative errors there.
        seconds_to_target: first time at which the error was at most the target; NaN if it never was.
        seconds_total: of a complete run.
        steps: of a complete run.
        repeats: timed runs after the first one, of which the median is reported; 0: the first run itself is.
        reason: why the method failed; empty if it reached the target and stayed there.
    """

    seconds: list[float]
    errors: list[float]
    seconds_to_target: float
    seconds_total: float
    steps: int
    repeats: int
    reason: str


def first_at_target(seconds: list[float], errors: list[float]) -> float:
    """The first time at which the error is at most the target; NaN if there is none."""
    return next((second for second, error in zip(seconds, errors, strict=True) if error <= TARGET), math.nan)


def verdict(errors: list[float], seconds_to_target: float, cap: float, *, capped: bool) -> str:
    """Why a run failed, or nothing. One that was stopped by the cap after it had reached the target did not fail."""
    if errors and errors[-1] <= TARGET and seconds_to_target <= cap:
        return ""
    return "time cap" if capped else f"ended with an error above {TARGET:g}"


def measure(prepare: Callable[[Data], Solve], data: Data, cap: float, on_first: Callable[[], None]) -> Outcome:
    """Run a peer once and, if that is quick, again: numpy and scipy compile nothing, but first calls are slower.

    Args:
        prepare: brings the data into the types of the package, off the clock, and returns a complete run.
        data: the problem.
        cap: seconds that one run may take.
        on_first: called when the first complete result is there.
    """
    runs: list[tuple[Recorder, bool]] = []
    solve = prepare(data)
    while not runs or _worth_repeating(runs):
        recorder, capped = Recorder(cap), False
        try:
            solve(recorder)
        except TimeCap:
            capped = True
        runs.append((recorder, capped))
        if len(runs) == 1:
            on_first()
    repeats = len(runs) - 1
    # The median run by its time; of two, the quicker.
    timed = sorted(runs[1:] or runs, key=lambda run: run[0].seconds[-1])
    recorder, capped = timed[(len(timed) - 1) // 2]
    errors = [relative_error(iterate, data.truth) for iterate in recorder.iterates]
    to_target = first_at_target(recorder.seconds, errors)
    return Outcome(
        recorder.seconds,
        errors,
        to_target,
        recorder.seconds[-1],
        recorder.steps or len(errors) - 1,
        repeats,
        verdict(errors, to_target, cap, capped=capped),
    )


_REPEATS = 3
_QUICK = 5.0  # seconds; what takes longer is not worth repeating


def _worth_repeating(runs: list[tuple[Recorder, bool]]) -> bool:
    first, *others = (recorder.seconds[-1] for recorder, _ in runs)
    return first <= _QUICK and sum(others) <= _QUICK and len(others) < _REPEATS

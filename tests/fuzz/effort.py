"""How hard the fuzzers try, and what they ask of every answer.

A run of the suite tries the same few hundred inputs every time; with FUZZ_SCALE=N, as `make fuzz` sets it, N times as
many, and others in every run.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, settings

SCALE = int(os.environ.get("FUZZ_SCALE", "1"))
# No single input may take longer: far above what any takes on a busy machine, far below what hangs.
_SECONDS = 30


def examples(number: int) -> settings:
    """Settings for so many examples, times the scale."""
    return settings(
        max_examples=number * SCALE,
        deadline=None,
        derandomize=SCALE == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextlib.contextmanager
def no_hang() -> Iterator[None]:
    """Ends what takes too long with an error that no caller takes for a clear one."""

    def stop(*_: Any) -> None:
        raise AssertionError(f"a single input took more than {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def answer(ask: Callable[[], Any], errors: type[Exception] | tuple[type[Exception], ...], *names: str) -> Any:
    """What `ask` gives, or None after one of these errors with a short message that holds one of the names."""
    try:
        with no_hang():
            return ask()
    except errors as error:
        message = str(error)
        assert 0 < len(message) < 600, message[:1000]
        assert message.count("\n") <= 3, message
        assert any(name in message for name in names), message
        return None

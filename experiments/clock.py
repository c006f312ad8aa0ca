"""What a run notes of its time with every chunk: from clocks that nobody sets back."""

import dataclasses
import functools
import secrets
import time
from pathlib import Path
from typing import Any

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot() -> str | None:
    """A name for the time since this machine was started, within which `now` can be compared between processes."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return None


def now() -> float:
    """Seconds since some moment; on Linux the same moment for all processes of a machine."""
    return time.monotonic()


@dataclasses.dataclass(frozen=True)
class Stamp:
    """When a chunk was stored.

    Attributes:
        boot: see `boot`.
        run: a name for the run that stored it.
        began: when the run began, as told by `now`.
        stored: when it stored the chunk.
    """

    boot: str | None
    run: str
    began: float
    stored: float


class RunClock:
    """The stamps of one run, which begins now."""

    def __init__(self) -> None:
        self._run, self._began = secrets.token_hex(8), now()

    def stamp(self) -> dict[str, Any]:
        """Of this moment, as JSON values."""
        return dataclasses.asdict(Stamp(boot(), self._run, self._began, now()))


def read_stamp(record: dict[str, Any]) -> Stamp | None:
    """The stamp in a chunk's provenance; None where there is none, as in older files, or it makes no sense."""
    try:
        stamp = Stamp(**record["clock"])
        return stamp if stamp.stored >= stamp.began else None
    except (KeyError, TypeError):
        return None

"""What others did on the machine meanwhile: seconds taken beside them mean little, most of all with many threads."""

import os
import time
from pathlib import Path

BUSY = 0.1  # cores in use by others from which on a warning is given


class Neighbours:
    """Watches from its construction on."""

    def __init__(self) -> None:
        self._began, self._seconds = time.monotonic(), _seconds_of_others()

    def cores(self) -> float | None:
        """The number of cores that others used on average; None where the system does not tell."""
        now = _seconds_of_others()
        if now is None or self._seconds is None:
            return None
        return max(0.0, (now - self._seconds) / (time.monotonic() - self._began))


def _seconds_of_others() -> float | None:
    """Processor seconds since the machine began, but for those of this process and its finished children."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(int, stat.read_text().split()[1:11])
    own = os.times()
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return busy - (own.user + own.system + own.children_user + own.children_system)

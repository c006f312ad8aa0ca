"""How much memory there is."""

import contextlib
import os
import re
import sys
from pathlib import Path


def available_memory() -> int:
    """Bytes that a process may still take: what the system calls available, at most what its control group grants.

    Where the system does not tell, as if there were no limit.
    """
    known = hasattr(os, "sysconf")
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if known else sys.maxsize
    meminfo, limit, used = (
        Path(name) for name in ("/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")
    )
    with contextlib.suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE)
        available = 1024 * int(found[1]) if found else available
    with contextlib.suppress(OSError, ValueError):  # "max" stands for no limit
        available = min(available, max(0, int(limit.read_text()) - int(used.read_text())))
    return available

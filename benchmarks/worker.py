"""The process that measures one method on one problem: imports, compilation and memory are its own."""

import argparse
import json
import math
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import draws
from benchmarks.errors import NotPossibleError
from benchmarks.methods import METHODS, Method

# What cannot look at the clock (a compiled loop, a call into a package) is ended by the system this much after the cap.
GRACE = 20.0
_MOST_POINTS = 400  # of a trace, which is there to be drawn


def measure(method: Method, folder: Path, cap: float, began: float, *, first_only: bool = False) -> dict[str, Any]:
    """One row of the table of runs, without what the driver knows, and the trace.

    Args:
        method: what is measured.
        folder: where the problem lies.
        cap: seconds that one complete run may take.
        began: `time.monotonic()` just before this process was started.
        first_only: end the process after the first complete result, which fills the cache of compiled programs.
    """
    # Ours copy the data into a layout of their own: they leave the file where it is. The others work on the array
    # itself, and read it faster where it does not lie in a file.
    data = draws.load(folder, mapped=method.ours)
    first: dict[str, Any] = {}

    def on_first() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        first.update(seconds_cold=time.monotonic() - began, peak_bytes=peak_memory())
        if first_only:
            sys.exit()

    # No handler: the process is ended where it stands, which the driver reads as the cap.
    signal.setitimer(signal.ITIMER_REAL, cap + GRACE)
    try:
        outcome = method.measure(data, cap, on_first)
    except NotPossibleError as error:
        return first | {"reason": f"not possible: {error}"}
    except Exception as error:
        return first | {"reason": f"{type(error).__name__}: {error}".splitlines()[0]}
    kept = sorted({*range(0, len(outcome.errors), 1 + len(outcome.errors) // _MOST_POINTS), len(outcome.errors) - 1})
    return first | {
        "reason": outcome.reason,
        "error_final": outcome.errors[-1],
        "seconds_to_target": None if math.isnan(outcome.seconds_to_target) else outcome.seconds_to_target,
        "seconds_total": outcome.seconds_total,
        "steps": outcome.steps,
        "repeats": outcome.repeats,
        "trace": [(outcome.seconds[place], outcome.errors[place]) for place in kept],
    }


def peak_memory() -> int:
    """The largest resident memory of this process, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`: on Linux a process inherits that of the one it was started by.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def main() -> None:
    """METHOD FOLDER CAP BEGAN RESULT: measure, and write the result as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cap", type=float)
    parser.add_argument("began", type=float)
    parser.add_argument("result", type=Path)
    parser.add_argument("--first-only", action="store_true")
    given = parser.parse_args()
    result = measure(METHODS[given.method], given.folder, given.cap, given.began, first_only=given.first_only)
    given.result.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()

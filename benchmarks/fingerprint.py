"""What a stored row depends on: code, settings, versions and machine; a row of anything else is measured again."""

import dataclasses
import functools
import hashlib
import json
import os
import platform
from pathlib import Path

from benchmarks.methods import Method
from benchmarks.sizes import Size
from colora_theory.experiments import provenance

_HERE = Path(__file__).parent
_LIBRARY = _HERE.parent / "colora_theory"
# What makes the problems, their start and the measurements.
_COMMON = ["draws.py", "worker.py", "methods/base.py"]
_HELPERS = ["methods/projection.py", "methods/factored.py"]
_PROBLEM = ["synthetic.py", "grassmann.py", "problem.py", "sensing/dense.py", "starts/base.py", "starts/stacked.py"]


def fingerprint(size: Size, method: Method, cap: float) -> str:
    """A short hash; of our methods it covers the whole library, of the others only what makes their problems."""
    files = [_HERE / name for name in (*_COMMON, *_HELPERS, f"methods/{method.module}.py")]
    content = {
        "size": dataclasses.astuple(size),
        "settings": method.settings,
        "version": method.version(),
        "cap": cap,
        "machine": machine(),
        "code": _hash(*files, *(_LIBRARY / name for name in _PROBLEM)),
        "library": provenance.source_hash() if method.ours else None,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@functools.cache
def machine() -> str:
    """The processor and the number of cores that this process may use."""
    cpus = Path("/proc/cpuinfo")
    names = (
        [line.partition(":")[2].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")]
        if (cpus.exists())
        else []
    )
    return f"{names[0] if names else platform.processor() or platform.machine()}, {cores()} cores"


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _hash(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()

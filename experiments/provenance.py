"""Where a table comes from: versions, commit, device, command, time."""

import datetime
import functools
import hashlib
import importlib.metadata
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import colora_theory


@functools.cache
def package_version() -> str:
    """The installed version of the package."""
    return importlib.metadata.version("colora-theory")


# Of what computes no table: the figures, the claims, the report, and guests, whose tables are their own.
_SILENT = {"figures", "claims", "report", "language"}


@functools.cache
def source_hash(guest: Path | None = None) -> str:
    """A hash of the source of all that computes, so that results of other code are never taken for those of this.

    Args:
        guest: the folder of a guest whose source counts, too.
    """
    package = Path(__file__).resolve().parent.parent
    folders = [Path(colora_theory.__file__).parent, Path(__file__).parent]
    # Links are not followed, and the experiments are named.
    computing = {path.resolve() for folder in folders for path in folder.rglob("*.py")}
    named = {path.relative_to(package): path for path in computing}
    files = [(name, path) for name, path in sorted(named.items()) if not _SILENT & set(name.parts)]
    if guest is not None:
        files += [(path.relative_to(guest), path) for path in sorted(guest.rglob("*.py")) if path.stem not in _SILENT]
    digest = hashlib.sha256()
    for name, path in files:
        digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@functools.cache
def git_commit() -> str | None:
    """The commit of the source tree, with "-dirty" if files differ from it; None outside of a checkout."""
    root = Path(__file__).resolve().parent.parent
    # Of this very tree: an environment inside somebody else's repository must not lend its commit.
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def command() -> str:
    """The command line of this process."""
    return shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])


def provenance() -> dict[str, Any]:
    """What is known about this process, as JSON values."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    return {
        "package_version": package_version(),
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        "device": jax.devices()[0].device_kind,
        "dtype": str(jnp.zeros(()).dtype),
        "command": command(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def merge(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One record for a table made of many: where they differ, the sorted list of what they say."""
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(name for record in records for name in record):
        values = list(dict.fromkeys(record.get(name) for record in records))
        merged[name] = values[0] if len(values) == 1 else sorted(map(str, values))
    return merged

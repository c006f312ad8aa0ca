"""Files that are there whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path

# How often a file is written again when another process takes what was written away.
_ATTEMPTS = 5


def put(path: Path, content: bytes) -> None:
    """Write to a temporary name beside the target, flush to the disk, then rename.

    What killed processes have left of this very file is removed. Of a process that lives, too: it then writes again.

    Raises:
        OSError: If the folder cannot be written.
    """
    for attempt in range(_ATTEMPTS):
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
        try:
            for leftover in path.parent.glob(f".{path.name}.*.tmp"):
                leftover.unlink(missing_ok=True)
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

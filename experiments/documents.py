"""Values as JSON: the one way in which commands print it and files hold it."""

import json
import math
import os
from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """A value as JSON has it: numpy's numbers and arrays as Python's, paths as text, None for what is no number.

    Args:
        value: mappings, sequences, arrays, numbers, paths, text, booleans and None, nested in any way.
    """
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        # Of numpy's doubles, too, which are floats.
        return float(value) if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    # Arrays and numbers of numpy and JAX, neither of which needs to be imported for it.
    return plain(value.tolist()) if hasattr(value, "tolist") else value


def as_json(value: Any) -> str:
    """A value as a JSON document, see `plain`.

    Raises:
        TypeError: for what is none of those.
    """
    return json.dumps(plain(value), indent=1, allow_nan=False)

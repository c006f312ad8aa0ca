"""Random keys by role: derived from what is drawn, never from an order, a position or a solver's name."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Key

Role = Literal["data", "start", "prediction"]


def fingerprint(content: Any) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of `content`."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def key_words(draw: Any, role: Role) -> tuple[int, int]:
    """The two 32-bit words of the key of `draw`, a frozen dataclass of axes, in one role.

    An axis that was added later counts only where it differs from what was always meant before, its default: so the
    instances of older sweeps stay the same.
    """
    axes = dataclasses.asdict(draw)
    unchanged = {field.name for field in dataclasses.fields(draw) if axes[field.name] == field.default}
    digest = fingerprint({"role": role, **{name: value for name, value in axes.items() if name not in unchanged}})
    return int(digest[:8], 16), int(digest[8:16], 16)


def keys(draws: Sequence[Any], role: Role) -> Key[jax.Array, " draws"]:
    """One key per draw.

    The generator is named, so that neither JAX's default generator nor its 64-bit setting changes the data.
    """
    words = np.array([key_words(draw, role) for draw in draws], np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32")

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

from colora_theory.experiments.draw import Draw

Role = Literal["data", "start", "prediction"]


def fingerprint(content: Any) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of `content`."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def key_words(draw: Draw, role: Role) -> tuple[int, int]:
    """The two 32-bit words of the key of `draw` in one role."""
    digest = fingerprint({"role": role, **dataclasses.asdict(draw)})
    return int(digest[:8], 16), int(digest[8:16], 16)


def keys(draws: Sequence[Draw], role: Role) -> Key[jax.Array, " draws"]:
    """One key per draw.

    The generator is named, so that neither JAX's default generator nor its 64-bit setting changes the data.
    """
    words = np.array([key_words(draw, role) for draw in draws], np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32")

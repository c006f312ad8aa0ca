"""What a worker does: compute a part of a chunk, if it is the same code that asks for it."""

import dataclasses
import functools
import importlib.metadata
import platform

import jax

from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.engines.base import Outcome, OutOfMemoryError
from colora_theory.experiments.errors import ColoraError
from colora_theory.experiments.provenance import provenance, source_hash
from colora_theory.experiments.runtime import configure_jax

# How XLA says it: on a GPU, and on a CPU, where the code is that of any error.
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory")


@dataclasses.dataclass(frozen=True)
class Identity:
    """What two processes must have in common for one to take the rows of the other as its own."""

    source: str
    python: str
    jax: str
    jaxlib: str
    numpy: str


class OtherCodeError(ColoraError):
    """A worker whose results are not those of the code that asks."""


@functools.cache
def identity() -> Identity:
    """Of this process."""
    versions = (importlib.metadata.version(name) for name in ("jax", "jaxlib", "numpy"))
    return Identity(source_hash(), ".".join(platform.python_version_tuple()[:2]), *versions)


def compute(part: AbstractChunk) -> Outcome:
    """Rows and provenance.

    Raises:
        OutOfMemoryError: If the part does not fit.
    """
    try:
        rows = part.compute()
    except (MemoryError, SystemError) as error:  # the latter from C code that could not even allocate its complaint
        raise OutOfMemoryError(_line(error)) from None
    except jax.errors.JaxRuntimeError as error:
        if not any(words in str(error) for words in _OUT_OF_MEMORY):
            raise
        raise OutOfMemoryError(_line(error)) from None
    return Outcome(rows, provenance())


def compute_for(asking: Identity, part: AbstractChunk) -> Outcome:
    """`compute` in another process than the one that asks.

    Raises:
        OtherCodeError: If this process has other code or other versions.
        OutOfMemoryError: See `compute`.
    """
    here = identity()
    if here != asking:
        both = zip(dataclasses.astuple(here), dataclasses.astuple(asking), dataclasses.fields(asking), strict=True)
        different = ", ".join(f"{field.name} {a[:12]} in place of {b[:12]}" for a, b, field in both if a != b)
        raise OtherCodeError(
            f"a worker on {platform.node()} has {different}; its results are not taken\n"
            "install the same package in the same versions there, start the workers anew, run the same command again"
        )
    configure_jax()
    return compute(part)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]

"""In which precision own data are worked on."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree


@contextlib.contextmanager
def precision_of(*data: Any) -> Iterator[None]:
    """Float64, whatever JAX is configured to, unless all arrays (or all in a sequence) are float32; None is no data."""
    # A memoryview is a sequence, too, but of one axis only.
    arrays = [
        array
        for part in data
        if part is not None
        for array in ([part] if hasattr(part, "shape") or not isinstance(part, Sequence) else part)
    ]
    with jax.enable_x64(any(getattr(array, "dtype", None) != np.float32 for array in arrays)):
        yield


def floats_of(tree: PyTree) -> np.dtype:
    """The dtype of the floating-point arrays in a tree; JAX's default where there are none."""
    kinds = (np.dtype(leaf.dtype) for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating))
    return next(kinds, np.dtype(jax.dtypes.canonicalize_dtype(np.float64)))

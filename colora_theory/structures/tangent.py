"""The tangent space of a structure, from the derivative of its weights."""

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

from colora_theory.structures.base import AbstractStructure, Parameters

# Singular values of the derivative below this, relative to the largest, are those of directions that change no weight.
_NOTHING = 1e-9


def tangent_basis(structure: AbstractStructure, parameters: Parameters) -> Float[np.ndarray, "k d1 d2 dof"]:
    """An orthonormal basis of the tangent space at a point, in float64.

    Forms the derivative, k d1 d2 by the number of parameters, and decomposes it.

    Args:
        structure: what the parameters are of.
        parameters: the point; in float64, or rounding is taken for directions.

    Returns:
        Shape (num_users, num_rows, num_cols, dof); the last axis is as long as the derivative's rank.

    Raises:
        TypeError: for parameters in less than float64.
    """
    dtypes = {leaf.dtype for leaf in jax.tree.leaves(parameters)}
    if dtypes != {np.dtype(np.float64)}:
        raise TypeError(f"parameters are {sorted(map(str, dtypes))}: a tangent space needs float64")
    derivatives = [np.asarray(leaf) for leaf in jax.tree.leaves(_derivative(structure, parameters))]
    shape = derivatives[0].shape[:3]
    whole = np.concatenate([each.reshape(int(np.prod(shape)), -1) for each in derivatives], axis=1)
    orthonormal, triangle = np.linalg.qr(whole)
    inner, values, _ = np.linalg.svd(triangle)
    kept = values > _NOTHING * values[0]
    return (orthonormal @ inner[:, : len(values)][:, kept]).reshape(*shape, -1)


def jacobian_rank(structure: AbstractStructure, parameters: Parameters) -> int:
    """The dimension of the tangent space at a point; at a generic one, the degrees of freedom.

    Raises:
        TypeError: see `tangent_basis`.
    """
    return tangent_basis(structure, parameters).shape[-1]


@eqx.filter_jit
def _derivative(structure: AbstractStructure, parameters: Parameters) -> dict[str, Float[Array, "k d1 d2 ..."]]:
    derivative: dict[str, Float[Array, "k d1 d2 ..."]] = jax.jacfwd(structure.compose)(parameters)
    return derivative

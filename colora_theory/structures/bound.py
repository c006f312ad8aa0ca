"""The Cramer-Rao bound of any structure."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.problem import Problem
from colora_theory.structures.base import AbstractStructure, Parameters
from colora_theory.structures.tangent import tangent_basis
from colora_theory.theory import CramerRao
from colora_theory.theory.tangent import is_singular


def cramer_rao(problem: Problem, structure: AbstractStructure, parameters: Parameters, noise: float) -> CramerRao:
    """sigma^2 tr((J^T J)^-1) on the structure's tangent space at a truth, split by user.

    `theory.cramer_rao` eliminates the cores and is quicker for `SharedBoth`; this one forms the measurements of a whole
    basis, N by DoF. Infinite for all users if some direction of the tangent space is not measured.

    Args:
        problem: the data; only the design and the weights matter.
        structure: of the truth.
        parameters: the truth, in float64.
        noise: sigma, standard deviation of a measurement of weight one.

    Raises:
        TypeError: see `tangent_basis`.
        ValueError: for a negative noise, or weights of another shape than the problem's.
    """
    if noise < 0:
        raise ValueError(f"noise {noise} is below 0")
    basis = tangent_basis(structure, parameters)
    shape = problem.sensing.weights_shape
    if basis.shape[:3] != shape:
        raise ValueError(f"the truth has weights of shape {basis.shape[:3]}, the problem {shape}")
    if noise == 0:
        return CramerRao(np.zeros(shape[0]))
    measured = np.asarray(_measured(problem, jnp.moveaxis(jnp.asarray(basis), 3, 0)), float)
    design = measured.reshape(len(measured), -1)
    gram = design @ design.T
    if is_singular(gram):
        return CramerRao(np.full(shape[0], np.inf))
    by_user = basis.reshape(shape[0], -1, len(gram))
    return CramerRao(noise**2 * np.einsum("kap,pq,kaq->k", by_user, np.linalg.inv(gram), by_user, optimize=True))


@eqx.filter_jit
def _measured(problem: Problem, directions: Float[Array, "dof k d1 d2"]) -> Float[Array, "dof k n"]:
    return jax.lax.map(lambda direction: problem.scale * problem.sensing(direction), directions)

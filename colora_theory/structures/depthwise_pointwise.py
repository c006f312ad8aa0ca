"""One matrix for all positions of a kernel, scaled row by row at each of them."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import AbstractStructure, Parameters, Shape, check_sizes


class DepthwisePointwise(AbstractStructure):
    """W_s = diag(D_s) P over the positions s of a kernel: convolutional low-rank adaptation.

    A depthwise after a pointwise convolution. d1 (k + d2 - 1) degrees of freedom: row j of all W_s together is the
    outer product of a column of D and row j of P. Parameters: `depthwise` (k, d1), `pointwise` (d1, d2).
    """

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return contract("ka,ab->kab", parameters["depthwise"], parameters["pointwise"])

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        depth_key, point_key = jax.random.split(key)
        return {
            "depthwise": jax.random.normal(depth_key, shape[:2]),
            "pointwise": jax.random.normal(point_key, shape[1:]),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        left, values, right = jnp.linalg.svd(jnp.moveaxis(weights, 1, 0), full_matrices=False)
        roots = jnp.sqrt(values[:, :1])
        return {"depthwise": (left[:, :, 0] * roots).T, "pointwise": right[:, 0, :] * roots}

    def check(self, shape: Shape) -> None:
        check_sizes(shape)

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        positions, num_rows, num_cols = shape
        return num_rows * (positions + num_cols - 1)

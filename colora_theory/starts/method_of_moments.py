"""The method of moments of multi-task linear representation learning."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import contract, top_eigenvectors
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractRestriction
from colora_theory.starts.base import AbstractStart


class MethodOfMoments(AbstractStart):
    """Top eigenvectors of sum_ij w_ij y_ij^2 A_ij A_ij^T for U, of the same with A_ij^T A_ij for V.

    For vector tasks the estimator of Tripuraneni, Jin and Jordan (arXiv 2002.11684). Under an isotropic Gaussian design
    the expectation is a multiple of the identity and twice the mean of W_i W_i^T. It never asks whose a measurement is,
    and so it cannot tell what a user's other measurements say: `Stacked` needs far fewer of them.
    """

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        num_users, num_rows, num_cols = problem.sensing.weights_shape
        sensing, scale = problem.sensing, problem.scaled_targets
        dtype = scale.dtype

        def at_column(column: Float[Array, "d2 1"]) -> AbstractRestriction:
            return sensing.restrict_right(column, scale)

        def at_row(row: Float[Array, "d1 1"]) -> AbstractRestriction:
            return sensing.restrict_left(row, scale)

        return (
            _leading(at_column, (num_users, num_cols, num_rows), rank[0], dtype),
            _leading(at_row, (num_users, num_rows, num_cols), rank[1], dtype),
        )


def _leading(
    restrict: Callable[[Array], AbstractRestriction], sizes: tuple[int, int, int], rank: int, dtype: jnp.dtype
) -> Float[Array, "d r"]:
    """The leading eigenvectors on the side that a restriction leaves free; no matrix is met as a whole.

    Args:
        restrict: the operator at one vector on the other side, each measurement multiplied by its target.
        sizes: number of users, size of the other side, size of this one.
        rank: how many eigenvectors.
        dtype: of the data.
    """
    num_users, other, size = sizes
    if rank == size:
        return jnp.eye(size, dtype=dtype)

    def add(index: Array, gram: Float[Array, "d d"]) -> Float[Array, "d d"]:
        vector = jax.nn.one_hot(index, other, dtype=dtype)[:, None]
        rows = restrict(vector).factor_design(jnp.ones((num_users, 1, 1), dtype)).reshape(size, -1)
        return gram + contract("am,bm->ab", rows, rows)

    return top_eigenvectors(jax.lax.fori_loop(0, other, add, jnp.zeros((size, size), dtype)), rank)

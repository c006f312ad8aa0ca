"""A spectral start from two independent halves of every user's samples."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import contract, top_eigenvectors
from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart


class TwoReplica(AbstractStart):
    """Top eigenvectors of the symmetric parts of sum_i M_i M'_i^T and sum_i M_i^T M'_i.

    M_i and M'_i are the moment matrices of the even and of the odd samples of user i. As their errors are independent,
    the sums are unbiased for sum_i W_i W_i^T and sum_i W_i^T W_i: the noise has no mean to hide the signal behind,
    however unequal it is over users and directions (Niu, Su, Xu and Yang, arXiv 2409.04919). Where the noise is alike
    everywhere its mean is a multiple of the identity, which turns no eigenvector, and halves only cost samples.
    """

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        weights = problem.sample_weights
        even = (jnp.arange(weights.shape[1]) % 2 == 0).astype(weights.dtype)[None, :]
        first, second = (_moments(problem, weights * half) for half in (even, 1 - even))
        left, right = contract("kab,kcb->ac", first, second), contract("kab,kac->bc", first, second)
        return top_eigenvectors(left + left.T, rank[0]), top_eigenvectors(right + right.T, rank[1])


def _moments(problem: Problem, weights: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
    return eqx.tree_at(lambda problem: problem.sample_weights, problem, weights).moments()

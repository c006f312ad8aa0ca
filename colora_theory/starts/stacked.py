"""The stacked spectral start."""

from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import contract, top_eigenvectors
from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart


class Stacked(AbstractStart):
    """Top left singular vectors of [M_1 .. M_k] and top right ones of the vertical stack (higher-order SVD).

    M_i are the moment matrices of the users. Needs no similarity between them, but about d r sqrt(k) samples in all.
    """

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        return stacked_directions(problem.moments(), rank)


def stacked_directions(
    moments: Float[Array, "k d1 d2"], rank: tuple[int, int]
) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
    """Top left singular vectors of [M_1 .. M_k] and top right ones of the vertical stack."""
    left = top_eigenvectors(contract("kab,kcb->ac", moments, moments), rank[0])
    right = top_eigenvectors(contract("kab,kac->bc", moments, moments), rank[1])
    return left, right

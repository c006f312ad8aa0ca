"""Subspaces of the weights of all users together."""

from jaxtyping import Array, Float

from colora_theory.linalg import contract, top_eigenvectors


def shared_subspaces(
    weights: Float[Array, "k d1 d2"], rank: tuple[int, int]
) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
    """The leading left singular vectors of [W_1 .. W_k], and the leading right ones of the vertical stack."""
    rows, cols = contract("kab,kcb->ac", weights, weights), contract("kab,kac->bc", weights, weights)
    return top_eigenvectors(rows, rank[0]), top_eigenvectors(cols, rank[1])


def user_directions(weights: Float[Array, "k d1 d2"], count: int) -> Float[Array, "k m"]:
    """The leading left singular vectors of the matrix whose rows are the users' weights."""
    return top_eigenvectors(contract("kab,lab->kl", weights, weights), count)

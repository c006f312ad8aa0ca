"""The factors of the model: shared subspaces and personal cores."""

import abc
import operator
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.display import Rows, Shown
from colora_theory.linalg import AnyArray, contract


class AbstractFactors(Shown):
    """Anything that gives every user a weight matrix through a left factor, a core and a right factor."""

    left: eqx.AbstractVar[Array]
    cores: eqx.AbstractVar[Array]
    right: eqx.AbstractVar[Array]

    def facts(self) -> Rows:
        users, *core = self.cores.shape[-3:]
        return [
            ("users", str(users)),
            ("weights", f"{self.left.shape[-2]} x {self.right.shape[-2]}"),
            ("rank", "({}, {})".format(*core)),
            ("precision", str(self.cores.dtype)),
        ]

    @abc.abstractmethod
    def compose(self) -> Float[AnyArray, "k d1 d2"]:
        """The users' weight matrices, without the frozen offset; shape (num_users, num_rows, num_cols)."""


class Factors(AbstractFactors):
    """Shared subspaces and personal cores: user i has the weights `left @ cores[i] @ right.T`.

    Attributes:
        left: U, shape (num_rows, r1).
        cores: C_1 .. C_k, shape (num_users, r1, r2).
        right: V, shape (num_cols, r2).
    """

    left: Float[Array, "d1 r1"]
    cores: Float[Array, "k r1 r2"]
    right: Float[Array, "d2 r2"]

    @property
    def rank(self) -> tuple[int, int]:
        """(r1, r2)."""
        return self.left.shape[1], self.right.shape[1]

    def compose(self) -> Float[AnyArray, "k d1 d2"]:
        return contract("kas,bs->kab", contract("ar,krs->kas", self.left, self.cores), self.right)

    def orthonormalize(self) -> "Factors":
        """The same weights with orthonormal columns in `left` and `right`."""
        return self.orthonormalize_left().orthonormalize_right()

    def orthonormalize_left(self) -> "Factors":
        """The same weights with orthonormal columns in `left`."""
        left, triangle = jnp.linalg.qr(self.left)
        return Factors(left, contract("pr,krs->kps", triangle, self.cores), self.right)

    def orthonormalize_right(self) -> "Factors":
        """The same weights with orthonormal columns in `right`."""
        right, triangle = jnp.linalg.qr(self.right)
        return Factors(self.left, contract("krs,qs->krq", self.cores, triangle), right)

    def balance(self) -> "Factors":
        """The same weights with the scale shared evenly among the three blocks.

        With orthonormal subspaces and S the largest singular value of the stacked cores [C_1 .. C_k], `left` and
        `right` are multiplied by S^(1/3) and the cores divided by its square: then the three diagonal blocks of the
        Hessian have the same size, which is what a joint gradient step wants.
        """
        orthonormal = self.orthonormalize()
        stacked = contract("krs,kps->rp", orthonormal.cores, orthonormal.cores)
        scale = jnp.maximum(jnp.linalg.eigvalsh(stacked)[-1], jnp.finfo(stacked.dtype).tiny) ** (1 / 6)
        return Factors(orthonormal.left * scale, orthonormal.cores / scale**2, orthonormal.right * scale)


class PersonalFactors(AbstractFactors):
    """Subspaces of each user's own: user i has the weights `left[i] @ cores[i] @ right[i].T`.

    Attributes:
        left: U_1 .. U_k, shape (num_users, num_rows, r1).
        cores: C_1 .. C_k, shape (num_users, r1, r2).
        right: V_1 .. V_k, shape (num_users, num_cols, r2).
    """

    left: Float[Array, "k d1 r1"]
    cores: Float[Array, "k r1 r2"]
    right: Float[Array, "k d2 r2"]

    def compose(self) -> Float[AnyArray, "k d1 d2"]:
        return contract("kas,kbs->kab", contract("kar,krs->kas", self.left, self.cores), self.right)


def rank_pair(rank: int | tuple[int, ...]) -> tuple[int, int]:
    """(r1, r2) from either an integer, meaning both, or a pair."""
    try:
        pair = tuple(map(operator.index, rank)) if isinstance(rank, Sequence) else (operator.index(rank),) * 2
    except TypeError:
        pair = ()
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(f"rank {rank!r} is neither a positive integer nor a pair of them")
    return pair


def check_rank(rank: int | tuple[int, ...], num_users: int, num_rows: int, num_cols: int) -> tuple[int, int]:
    """(r1, r2), or the reason why no such model exists.

    Raises:
        ValueError: if a rank exceeds the size of the weights, or what the cores of all users together can span
            (then the subspaces would not be identifiable: r1 <= k r2 and r2 <= k r1 are needed).
    """
    r1, r2 = rank_pair(rank)
    if r1 > num_rows or r2 > num_cols:
        if r1 == r2:
            raise ValueError(f"rank {r1} exceeds min(num_rows, num_cols) = {min(num_rows, num_cols)}")
        raise ValueError(f"rank {(r1, r2)} exceeds (num_rows, num_cols) = {(num_rows, num_cols)}")
    if r1 > num_users * r2 or r2 > num_users * r1:
        raise ValueError(
            f"rank {(r1, r2)} is more than {num_users} core(s) can span: r1 <= num_users * r2 and r2 <= num_users * r1 "
            "are needed for the subspaces to be identifiable"
        )
    return r1, r2

"""Rank-one sensing: every measurement is a bilinear form of two vectors."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.linalg import contract, pad_axes
from colora_theory.sensing.base import AbstractRestriction, AbstractSensing, outer_design


class RankOne(AbstractSensing):
    """y_ij = a_ij^T W_i b_ij, that is A_ij = a_ij b_ij^T; no such matrix is ever formed.

    Users and samples are the trailing axes, as in `Dense`.

    Attributes:
        left_vectors: the a_ij, shape (num_rows, num_users, num_samples).
        right_vectors: the b_ij, shape (num_cols, num_users, num_samples).
    """

    left_vectors: Float[Array, "d1 k n"]
    right_vectors: Float[Array, "d2 k n"]

    @classmethod
    def from_vectors(cls, a: Float[Array, "k n d1"], b: Float[Array, "k n d2"]) -> "RankOne":
        """From vectors in the natural order, shapes (num_users, num_samples, num_rows) and (.., num_cols)."""
        return cls(jnp.moveaxis(a, 2, 0), jnp.moveaxis(b, 2, 0))

    @property
    def weights_shape(self) -> tuple[int, int, int]:
        return self.left_vectors.shape[1], len(self.left_vectors), len(self.right_vectors)

    @property
    def num_samples(self) -> int:
        return self.left_vectors.shape[2]

    def __call__(self, weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
        return jnp.sum(contract("akn,kab->bkn", self.left_vectors, weights) * self.right_vectors, axis=0)

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d1 d2"]:
        return contract("akn,bkn->kab", self.left_vectors * measurements[None], self.right_vectors)

    def pooled_adjoint(self, measurements: Float[Array, "m k n"]) -> Float[Array, "m d1 d2"]:
        def pooled(each: Float[Array, "k n"]) -> Float[Array, "d1 d2"]:
            return contract("akn,bkn->ab", self.left_vectors * each[None], self.right_vectors)

        return jax.lax.map(pooled, measurements)

    def restrict_right(self, right: Float[Array, "d2 r2"], scale: Float[Array, "k n"]) -> "OuterRestriction":
        return OuterRestriction(self.left_vectors, contract("br,bkn->rkn", right, self.right_vectors) * scale[None])

    def restrict_left(self, left: Float[Array, "d1 r1"], scale: Float[Array, "k n"]) -> "OuterRestriction":
        return OuterRestriction(self.right_vectors, contract("ar,akn->rkn", left, self.left_vectors) * scale[None])

    def transform_sides(
        self, row_map: Float[Array, "d1 d1"] | None = None, col_map: Float[Array, "d2 d2"] | None = None
    ) -> "RankOne":
        left, right = self.left_vectors, self.right_vectors
        return RankOne(
            left if row_map is None else contract("ac,akn->ckn", row_map, left),
            right if col_map is None else contract("bc,bkn->ckn", col_map, right),
        )

    def side_covariances(
        self, shares: Float[Array, "k n"]
    ) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
        left, right = self.left_vectors, self.right_vectors
        return contract("akn,ckn,kn->ac", left, left, shares), contract("bkn,ckn,kn->bc", right, right, shares)

    def take_samples(self, count: int) -> "RankOne":
        return RankOne(self.left_vectors[..., :count], self.right_vectors[..., :count])

    def take_users(self, users: slice) -> "RankOne":
        return RankOne(self.left_vectors[:, users], self.right_vectors[:, users])

    def pad(self, num_users: int, num_samples: int) -> "RankOne":
        return RankOne(
            *(pad_axes(side, {1: num_users, 2: num_samples}) for side in (self.left_vectors, self.right_vectors))
        )

    def split_users(self) -> "RankOne":
        sides = (self.left_vectors, self.right_vectors)
        split = tuple(jnp.moveaxis(side, 1, 0)[:, :, None] for side in sides)
        return eqx.tree_at(lambda sensing: (sensing.left_vectors, sensing.right_vectors), self, split)

    def merge_users(self) -> "RankOne":
        return RankOne(*(side.reshape(len(side), 1, -1) for side in (self.left_vectors, self.right_vectors)))


class OuterRestriction(AbstractRestriction):
    """Bilinear forms whose second vector is known through its products with the fixed factor.

    Attributes:
        free: the vectors beside the free factor, shape (d, num_users, num_samples).
        fixed: V^T b_ij (or U^T a_ij), scaled, shape (r, num_users, num_samples).
    """

    free: Float[Array, "d k n"]
    fixed: Float[Array, "r k n"]

    def __call__(self, products: Float[Array, "k d r"]) -> Float[Array, "k n"]:
        return jnp.sum(contract("akn,kar->rkn", self.free, products) * self.fixed, axis=0)

    def adjoint(self, measurements: Float[Array, "k n"]) -> Float[Array, "k d r"]:
        return contract("akn,rkn->kar", self.free, self.fixed * measurements[None])

    def core_design(self, free: Float[Array, "d p"]) -> Float[Array, "pr k n"]:
        return outer_design(contract("ap,akn->pkn", free, self.free), self.fixed)

    def factor_design(self, cores: Float[Array, "k p r"]) -> Float[Array, "pd k n"]:
        return outer_design(contract("kpr,rkn->pkn", cores, self.fixed), self.free)

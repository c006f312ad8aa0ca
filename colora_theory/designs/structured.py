"""Designs of the structured operators: rank-one forms, vector outputs, single entries."""

import jax
import jax.numpy as jnp
from jaxtyping import DTypeLike, PRNGKeyArray

from colora_theory.designs.base import AbstractDesign
from colora_theory.sensing import EntryMask, RankOne, VectorOutput


class RankOneGaussian(AbstractDesign):
    """y_ij = a_ij^T W_i b_ij with independent standard normal vectors."""

    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> RankOne:
        """Rank-one sensing with `num_samples` pairs of vectors of every user."""
        left_key, right_key = jax.random.split(key)
        left = jax.random.normal(left_key, (num_rows, num_users, num_samples), dtype)
        return RankOne(left, jax.random.normal(right_key, (num_cols, num_users, num_samples), dtype))

    def numbers_per_sample(self, num_rows: int, num_cols: int) -> int:
        return num_rows + num_cols


class VectorOutputGaussian(AbstractDesign):
    """y_ij = W_i x_ij with standard normal inputs; a sample is a whole vector."""

    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> VectorOutput:
        """Vector outputs with `num_samples` inputs of every user."""
        return VectorOutput(jax.random.normal(key, (num_users, num_samples, num_cols), dtype), num_rows)

    def numbers_per_sample(self, num_rows: int, num_cols: int) -> int:
        return num_cols

    def scalars_per_sample(self, num_rows: int) -> int:
        return num_rows


class UniformEntries(AbstractDesign):
    """y_ij is a single entry of W_i, drawn uniformly; no entry of a user is seen twice.

    What can be recovered depends on the coherence of the subspaces (`metrics.coherence`): what stands in one row
    is seen only if that row is drawn. Uniformly distributed subspaces, those of `TaskFamily`, are incoherent.
    """

    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> EntryMask:
        """A mask with `num_samples` entries of every user.

        Raises:
            ValueError: for more samples than there are entries.
        """
        if num_samples > num_rows * num_cols:
            raise ValueError(f"num_samples {num_samples} exceeds the {num_rows * num_cols} entries of the weights")
        order = jnp.argsort(jax.random.uniform(key, (num_users, num_rows * num_cols)), axis=1)[:, :num_samples]
        return EntryMask(order // num_cols, order % num_cols, (num_rows, num_cols))

    def numbers_per_sample(self, num_rows: int, num_cols: int) -> int:
        return 2

    def most_samples(self, num_rows: int, num_cols: int) -> int | None:
        return num_rows * num_cols

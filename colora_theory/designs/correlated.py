"""Dense designs with correlated entries: covariances that are Kronecker products."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from colora_theory.designs.base import spaced_variances
from colora_theory.designs.dense import AbstractDenseDesign, Gaussian
from colora_theory.grassmann import random_subspace
from colora_theory.linalg import contract
from colora_theory.sensing import Dense


class Correlated(AbstractDenseDesign):
    """A_ij = S_r^(1/2) G_ij S_c^(1/2) with Gaussian G_ij: one covariance S_r (x) S_c for all users.

    S_r and S_c are diagonal with geometrically spaced variances of mean 1 (`spaced_variances`). For uniformly
    distributed subspaces, those of `TaskFamily`, these axes are as good as any. The design is not isotropic, so that
    moments are biased: `whiten` changes to variables in which it is.

    Attributes:
        condition_number: of S_r and of S_c, at least 1; their product has its square.
    """

    condition_number: float | Float[Array, ""]

    def __check_init__(self) -> None:
        _check_condition(self.condition_number)

    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> Dense:
        isotropic = Gaussian().sample(key, num_users, num_samples, num_rows, num_cols, dtype)
        rows, cols = (spaced_variances(size, self.condition_number).astype(dtype) for size in (num_rows, num_cols))
        return Dense(isotropic.entries * jnp.sqrt(rows[:, None] * cols[None, :])[:, :, None, None])


class UnequallyCorrelated(AbstractDenseDesign):
    """As `Correlated`, with covariances of every user's own: their axes are drawn, their variances are the same.

    No change of variables makes all users isotropic and keeps their subspaces shared.

    Attributes:
        condition_number: of every user's S_r and S_c, at least 1.
    """

    condition_number: float | Float[Array, ""]

    def __check_init__(self) -> None:
        _check_condition(self.condition_number)

    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> Dense:
        entries_key, row_key, col_key = jax.random.split(key, 3)
        isotropic = Gaussian().sample(entries_key, num_users, num_samples, num_rows, num_cols, dtype)
        rows = self._roots(row_key, num_users, num_rows, dtype)
        cols = self._roots(col_key, num_users, num_cols, dtype)
        return Dense(contract("kac,kbd,cdkn->abkn", rows, cols, isotropic.entries))

    def _roots(self, key: PRNGKeyArray, num_users: int, size: int, dtype: DTypeLike) -> Float[Array, "k d d"]:
        axes = jax.vmap(lambda k: random_subspace(k, size, size))(jax.random.split(key, num_users)).astype(dtype)
        return axes * jnp.sqrt(spaced_variances(size, self.condition_number).astype(dtype))[None, None, :]


def _check_condition(condition_number: float | Array) -> None:
    # Numbers only: traced values cannot be looked at.
    if isinstance(condition_number, int | float) and not condition_number >= 1:
        raise ValueError(f"condition_number {condition_number} is below 1")

"""Dense designs with independent entries of mean 0 and variance 1."""

import abc

import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from colora_theory.designs.base import AbstractDesign
from colora_theory.sensing import Dense


class AbstractDenseDesign(AbstractDesign):
    """Full sensing matrices."""

    @abc.abstractmethod
    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> Dense:
        """Dense sensing with `num_samples` matrices of every user."""

    def numbers_per_sample(self, num_rows: int, num_cols: int) -> int:
        return num_rows * num_cols


class AbstractIndependentDesign(AbstractDenseDesign):
    """Independent entries of one distribution."""

    @abc.abstractmethod
    def entries(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Float[Array, "..."]:
        """Independent entries with mean 0 and variance 1."""

    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> Dense:
        # Independent entries look the same in every order: drawn in the order in which they are stored.
        return Dense(self.entries(key, (num_rows, num_cols, num_users, num_samples), dtype))


class Gaussian(AbstractIndependentDesign):
    """Standard normal entries."""

    def entries(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Float[Array, "..."]:
        return jax.random.normal(key, shape, dtype)


class Rademacher(AbstractIndependentDesign):
    """Entries 1 and -1 with equal probability."""

    def entries(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Float[Array, "..."]:
        return jax.random.rademacher(key, shape, dtype)


class StudentT(AbstractIndependentDesign):
    """Heavy tails: Student's t with `degrees` degrees of freedom, scaled to unit variance.

    Attributes:
        degrees: above 2, where the variance is finite; up to 4 the fourth moment is not.
    """

    degrees: float | Float[Array, ""]

    def __check_init__(self) -> None:
        check_degrees(self.degrees)

    def entries(self, key: PRNGKeyArray, shape: tuple[int, ...], dtype: DTypeLike) -> Float[Array, "..."]:
        return unit_student_t(key, self.degrees, shape, dtype)


def unit_student_t(
    key: PRNGKeyArray, degrees: float | Float[Array, ""], shape: tuple[int, ...], dtype: DTypeLike
) -> Float[Array, "..."]:
    """Student's t scaled to unit variance, for more than 2 degrees of freedom."""
    degrees = jnp.asarray(degrees, dtype)
    drawn = jax.random.t(key, degrees, shape, dtype)
    return drawn * jnp.sqrt((degrees - 2) / degrees)


def check_degrees(degrees: float | Array) -> None:
    """Raises a ValueError where Student's t has no finite variance; traced values cannot be looked at."""
    if isinstance(degrees, int | float) and not degrees > 2:
        raise ValueError(f"degrees {degrees} must be above 2: Student's t has no finite variance below")

"""What every random design offers."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from colora_theory.sensing import AbstractSensing


class AbstractDesign(eqx.Module):
    """A distribution of measurement operators: what is measured, at random, of the weights of every user.

    Designs are values, independent between users and samples. Unless a design says otherwise the operator is isotropic:
    n times its mean square, seen through `moment_factor`, is the identity on the weights.
    """

    @abc.abstractmethod
    def sample(
        self, key: PRNGKeyArray, num_users: int, num_samples: int, num_rows: int, num_cols: int, dtype: DTypeLike
    ) -> AbstractSensing:
        """An operator with `num_samples` samples of every user."""

    @abc.abstractmethod
    def numbers_per_sample(self, num_rows: int, num_cols: int) -> int:
        """How many numbers are stored for one sample of one user."""

    def scalars_per_sample(self, num_rows: int) -> int:
        """How many scalar measurements one sample makes."""
        return 1

    def most_samples(self, num_rows: int, num_cols: int) -> int | None:
        """The most samples a user can have, or None if there is no bound."""
        return None


def spaced_variances(number: int, ratio: float | Float[Array, ""]) -> Float[Array, " {number}"]:
    """Geometrically spaced variances with mean 1, the first `ratio` times the last."""
    spaced = jnp.asarray(ratio, float) ** -jnp.linspace(0.0, 1.0, number)
    return spaced / jnp.mean(spaced)

"""Distributions of the noise."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, DTypeLike, Float, PRNGKeyArray

from colora_theory.designs.base import spaced_variances
from colora_theory.designs.dense import check_degrees, unit_student_t


class AbstractNoise(eqx.Module):
    """A distribution of independent noise with mean 0 and, on average over the users, variance 1."""

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, num_users: int, num_samples: int, dtype: DTypeLike) -> Float[Array, "k n"]:
        """Noise in units of its standard deviation sigma, for the scalar measurements of all users."""


class GaussianNoise(AbstractNoise):
    """Standard normal noise."""

    def sample(self, key: PRNGKeyArray, num_users: int, num_samples: int, dtype: DTypeLike) -> Float[Array, "k n"]:
        return jax.random.normal(key, (num_users, num_samples), dtype)


class StudentTNoise(AbstractNoise):
    """Heavy tails: Student's t, scaled to unit variance.

    Attributes:
        degrees: degrees of freedom, above 2.
    """

    degrees: float | Float[Array, ""]

    def __check_init__(self) -> None:
        check_degrees(self.degrees)

    def sample(self, key: PRNGKeyArray, num_users: int, num_samples: int, dtype: DTypeLike) -> Float[Array, "k n"]:
        return unit_student_t(key, self.degrees, (num_users, num_samples), dtype)


class HeteroscedasticNoise(AbstractNoise):
    """Normal noise whose variance differs between users: geometrically spaced, of mean 1.

    Attributes:
        ratio: largest over smallest variance, at least 1.
    """

    ratio: float | Float[Array, ""]

    def __check_init__(self) -> None:
        # Numbers only: traced values cannot be looked at.
        if isinstance(self.ratio, int | float) and not self.ratio >= 1:
            raise ValueError(f"ratio {self.ratio} is below 1")

    def sample(self, key: PRNGKeyArray, num_users: int, num_samples: int, dtype: DTypeLike) -> Float[Array, "k n"]:
        deviations = jnp.sqrt(spaced_variances(num_users, self.ratio)).astype(dtype)
        return deviations[:, None] * jax.random.normal(key, (num_users, num_samples), dtype)

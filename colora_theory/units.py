"""Data of extreme size, in units in which no square overflows or vanishes."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractSensing, Scaled, Sharded

# Solvers meet up to the twelfth power of data: exponents within this fraction of those of floats are harmless.
_HARMLESS = 16
# Users whose first samples tell the size of the design.
_PROBED = 16


class Units(eqx.Module):
    """A problem in units of its own, all powers of two: arithmetic in them is the same to the last bit.

    Data of ordinary size (2^-64 to 2^64 in double precision, 2^-8 to 2^8 in single) keep their units.

    Attributes:
        problem: the problem in these units.
        design: what the sensing matrices were multiplied by.
        targets: what the targets were multiplied by.
    """

    problem: Problem
    design: Float[Array, ""]
    targets: Float[Array, ""]

    @classmethod
    def of(cls, problem: Problem) -> "Units":
        """Looks at the first sample of a few users, not at all of the design: a rough idea of its size is enough."""
        weights = problem.sample_weights
        probe = _probe(problem.sensing)
        ones = jnp.ones((probe.weights_shape[0], probe.num_samples), weights.dtype)
        design, targets, root = (
            _unit(jnp.max(jnp.abs(values)))
            for values in (probe.adjoint(ones), jnp.where(weights > 0, problem.targets, 0.0), problem.scale)
        )
        sensing = Scaled(problem.sensing, design)
        return cls(Problem(sensing, targets * problem.targets, root * (root * weights), None), design, targets)

    def restore(self, factors: Factors) -> tuple[Factors, Bool[Array, ""]]:
        """The factors in the units of the data, and whether floats have numbers for them; zero cores if not."""
        cores = (factors.cores * self.design) / self.targets
        vanished = (jnp.max(jnp.abs(cores)) < jnp.finfo(cores.dtype).tiny) & jnp.any(factors.cores != 0)
        representable = jnp.all(jnp.isfinite(cores)) & ~vanished
        return Factors(factors.left, jnp.where(representable, cores, 0.0), factors.right), representable


def _probe(sensing: AbstractSensing) -> AbstractSensing:
    num_users = sensing.weights_shape[0]
    # Those of another device are left where they are.
    if num_users > _PROBED and not isinstance(sensing, Sharded):
        sensing = sensing.take_users(sensing.sample_users(_PROBED))
    return sensing.take_samples(1)


def _unit(size: Float[Array, ""]) -> Float[Array, ""]:
    """The power of two that brings a number into [1/2, 1); 1 for an ordinary number, and for 0, infinity and NaN."""
    limit = jnp.finfo(size.dtype).maxexp
    _, exponent = jnp.frexp(size)
    extreme = (jnp.abs(exponent) > limit // _HARMLESS) & jnp.isfinite(size) & (size > 0)
    unit = jnp.ldexp(jnp.ones_like(size), -jnp.clip(exponent, 2 - limit, limit - 2))
    return jnp.where(extreme, unit, 1.0)

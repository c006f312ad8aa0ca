"""The annealed start: follows the minimizer of a ridge penalty as the penalty vanishes."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.linalg import contract, safe_divide, solve_normal
from colora_theory.problem import Problem
from colora_theory.sensing import NormalSystem
from colora_theory.starts.base import AbstractStart, fit_cores
from colora_theory.starts.stacked import Stacked

# The largest ridge at which u = c = v > 0 can be a stationary point of (s - u c v)^2 / 2 + ridge (u^2 + c^2 + v^2) / 2,
# for s = 1: the maximum of t (1 - t^3).
_CRITICAL = 3 / 4 ** (4 / 3)


class Annealed(AbstractStart):
    """Alternating minimization under a ridge on cores and factors, driven to zero, with random sample weights.

    Minimizing loss + ridge/2 (||U||^2 + sum_i ||C_i||^2 + ||V||^2) under a strong ridge keeps only what the data say
    loudest; as the ridge falls geometrically the weaker directions come in one by one, each with the others in place.
    Every sweep draws new exponential weights for the samples (the Bayesian bootstrap), which shakes the iterate out of
    shallow local minima; an exact fit is a fixed point of all of them. Finds the subspaces much closer to the counting
    limit than any spectral start, for the price of `sweeps` passes: see docs/theory.md for what was measured.

    Attributes:
        start: where the path begins.
        sweeps: its length, at least 1: the slower, the surer.
        strength: the first ridge, as a multiple of the one at which a rank-one component of average size would vanish
            altogether. Much above 1 everything vanishes.
        shrinkage: the last ridge over the first, in (0, 1].
    """

    start: AbstractStart = Stacked()
    sweeps: int | Float[Array, ""] = 300
    strength: float | Float[Array, ""] = 0.8
    shrinkage: float | Float[Array, ""] = 0.03

    def __check_init__(self) -> None:
        for name, low, high in (("sweeps", 1, float("inf")), ("strength", 0, float("inf")), ("shrinkage", 0, 1)):
            value = getattr(self, name)
            if isinstance(value, int | float) and not (low <= value <= high and value > 0):
                raise ValueError(f"{name} {value} is outside {'[1' if low else '(0'}, {high}]")

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        start_key, weight_key = jax.random.split(key)
        first = fit_cores(problem, *self.start.subspaces(problem, rank, start_key))
        dtype = problem.targets.dtype
        strongest = jnp.asarray(self.strength, dtype) * _critical_ridge(problem, first)
        shrinkage, last = jnp.asarray(self.shrinkage, dtype), jnp.maximum(jnp.asarray(self.sweeps, dtype) - 1, 1)

        def sweep(index: Array, factors: Factors) -> Factors:
            ridge = strongest * shrinkage ** (index.astype(dtype) / last)
            # Samples first: then padding does not change what the others draw.
            drawn = jax.random.exponential(jax.random.fold_in(weight_key, index), problem.targets.T.shape, dtype).T
            weighted = eqx.tree_at(lambda problem: problem.sample_weights, problem, problem.sample_weights * drawn)
            return _regularized_sweep(weighted, factors, ridge)

        sweeps = jnp.asarray(self.sweeps).astype(jnp.int32)
        end = jax.lax.fori_loop(0, sweeps, sweep, first.balance()).orthonormalize()
        return end.left, end.right


def _critical_ridge(problem: Problem, factors: Factors) -> Float[Array, ""]:
    """The ridge at which a component of average size, seen through this design, would vanish."""
    system = problem.restrict_right(factors.right).core_system(factors.left, problem.scaled_targets)
    # With orthonormal subspaces: the sum of a user's weights times the variance of an entry of the design.
    curvature = jnp.mean(jnp.diagonal(system.normal, axis1=-2, axis2=-1))
    energy = safe_divide(jnp.sum(jnp.square(problem.scaled_targets)), curvature)
    return curvature * _CRITICAL * (energy / min(factors.rank)) ** (2 / 3)


def _regularized_sweep(problem: Problem, factors: Factors, ridge: Float[Array, ""]) -> Factors:
    """One exact update of the cores, of U and of V; the factors share their scale, so no basis is normalised."""

    def solve(system: NormalSystem, block: Float[Array, "*batch p"]) -> Float[Array, "*batch p"]:
        identity = jnp.broadcast_to(jnp.eye(system.normal.shape[-1], dtype=ridge.dtype), system.normal.shape)
        return block + solve_normal(system.normal + ridge * identity, system.descent - ridge * block)

    left, cores, right = factors.left, factors.cores, factors.right
    targets = problem.scaled_targets

    at_right = problem.restrict_right(right)
    residual = targets - at_right(contract("ar,krs->kas", left, cores))
    flat = solve(at_right.core_system(left, residual), cores.reshape(cores.shape[0], -1))
    cores = flat.reshape(cores.shape)
    residual = targets - at_right(contract("ar,krs->kas", left, cores))
    left = solve(at_right.factor_system(cores, residual), left.T.reshape(-1)).reshape(left.T.shape).T

    at_left = problem.restrict_left(left)
    residual = targets - at_left(contract("bs,krs->kbr", right, cores))
    right = solve(at_left.factor_system(cores.mT, residual), right.T.reshape(-1)).reshape(right.T.shape).T
    return Factors(left, cores, right)

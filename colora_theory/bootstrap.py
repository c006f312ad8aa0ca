"""Parametric bootstrap: the spread of fits to data simulated from a fit."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray
from scipy import special

from colora_theory.factors import AbstractFactors, Factors
from colora_theory.grassmann import principal_sines
from colora_theory.inference import Interval, NoiseEstimate, SubspaceBounds, estimate_noise
from colora_theory.inference.interval import check_level, student_quantile
from colora_theory.inference.noise import as_fitted
from colora_theory.lanes import map_lanes
from colora_theory.precision import floats_of, precision_of
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractSensing
from colora_theory.solution import Status
from colora_theory.solve import solve
from colora_theory.solvers import VariableProjection
from colora_theory.starts import Near

_FEWEST = 20
# Share of refits that may fail.
_LARGEST_FAILING = 0.05


@dataclasses.dataclass(frozen=True)
class Bootstrap:
    """Refits of simulated data, and the intervals that they give.

    An interval is the basic one: the estimate less the quantiles of the refits' deviations from it, these widened by
    the ratio of Student's quantile to the normal one for the estimated noise. To no order of the noise is the model
    taken as linear, but the refits start from the fit, so that they do not see other local minima.

    Attributes:
        factors: the fit, numpy arrays.
        replicates: refits that converged, stacked along a new leading axis of every array.
        noise: estimated; of normal noise with this level the data are simulated.
        num_failed: refits that did not converge, which are left out.
        offset: the frozen weight, shape (num_rows, num_cols), or None.
    """

    factors: Factors
    replicates: Factors
    noise: NoiseEstimate
    num_failed: int
    offset: np.ndarray | None

    @property
    def reliable(self) -> bool:
        """Whether hardly any refit failed."""
        return self.num_failed <= _LARGEST_FAILING * (self.num_failed + len(self.replicates.cores))

    @property
    def reason(self) -> str:
        """How many refits converged."""
        made = self.num_failed + len(self.replicates.cores)
        return f"{self.num_failed} of {made} refits did not converge, {_LARGEST_FAILING:.0%} may"

    def weights(self, level: float = 0.9) -> Interval:
        """Confidence intervals for the entries of every W_i, the frozen weight included; shape (num_users, d1, d2).

        Raises:
            ValueError: for a level outside (0, 1).
        """
        fit, drawn, shift = self.factors, self.replicates, 0.0 if self.offset is None else self.offset
        users = []
        for user, core in enumerate(fit.cores):
            refits = drawn.left @ drawn.cores[:, user] @ np.swapaxes(drawn.right, 1, 2)
            users.append(self._ends(np.asarray(fit.left @ core @ fit.right.T), np.asarray(refits), level))
        estimate, error, lower, upper = (np.stack(part) for part in zip(*users, strict=True))
        return Interval(estimate + shift, error, lower + shift, upper + shift, level, self.reliable, self.reason)

    def predictions(self, sensing: AbstractSensing, level: float = 0.9) -> Interval:
        """Confidence intervals for the means <A_ij, W_i> of new measurements; shape (num_users, num_samples).

        Raises:
            ValueError: for a level outside (0, 1).
        """
        with precision_of(self.factors.cores):
            dtype = floats_of(sensing)

            def measure(weights: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
                return sensing(weights.astype(dtype))

            refits = np.asarray(
                map_lanes(lambda each: measure(each.compose()), jax.tree.map(jnp.asarray, self.replicates)), float
            )
            estimate = np.asarray(measure(jnp.asarray(self.factors.compose())), float)
            shape = sensing.weights_shape
            shift = 0.0 if self.offset is None else measure(jnp.broadcast_to(jnp.asarray(self.offset), shape))
        middle, error, lower, upper = self._ends(estimate, refits, level)
        known = np.asarray(shift, float)
        return Interval(middle + known, error, lower + known, upper + known, level, self.reliable, self.reason)

    def subspaces(self, level: float = 0.9) -> SubspaceBounds:
        """Upper confidence bounds for the largest sines between fitted and true subspaces: quantiles over the refits.

        Raises:
            ValueError: for a level outside (0, 1).
        """
        widening = self._widening(level)
        bounds = []
        with precision_of(self.factors.cores):
            for side, refits in (
                (self.factors.left, self.replicates.left),
                (self.factors.right, self.replicates.right),
            ):
                sines = jax.vmap(principal_sines, (None, 0))(jnp.asarray(side), jnp.asarray(refits))[:, 0]
                sine = float(np.quantile(np.asarray(sines), level))
                bounds.append(math.sin(math.atan(widening * math.tan(math.asin(min(sine, 1.0))))))
        return SubspaceBounds(bounds[0], bounds[1], level, self.reliable, self.reason)

    def _widening(self, level: float) -> float:
        check_level(level)
        return float(student_quantile(float(self.noise.spare), level) / special.ndtri((1 + level) / 2))

    def _ends(self, estimate: np.ndarray, refits: np.ndarray, level: float) -> tuple[np.ndarray, ...]:
        """Estimate, standard error, lower and upper end."""
        widening, apart = self._widening(level), refits - estimate
        low, high = np.quantile(apart, ((1 - level) / 2, (1 + level) / 2), axis=0)
        return estimate, np.std(apart, axis=0), estimate - widening * high, estimate - widening * low


def bootstrap(
    problem: Problem,
    factors: AbstractFactors,
    *,
    replicates: int = 200,
    key: PRNGKeyArray | None = None,
    noise: NoiseEstimate | None = None,
    max_steps: int = 200,
) -> Bootstrap:
    """Refits data that are simulated from a fit with normal noise of the estimated level; a check of `Uncertainty`.

    Costs a warm solve for every replicate, one after the other on a CPU, and their factors in memory; a problem that is
    streamed is read in every step of each.

    Args:
        problem: the data that were fitted, by any operator.
        factors: the fit, as `solve` or `fit` returns it.
        replicates: how many, at least 20. The first ones stay the same if more are asked for.
        key: randomness; by default that of the seed 0.
        noise: by default `estimate_noise(problem, factors)`.
        max_steps: limit of each refit.

    Raises:
        TypeError: if the subspaces are not shared.
        ValueError: for too few replicates, for no more measurements than unknowns (there is no noise level to draw
            from), or if less than two refits converge.
    """
    if replicates < _FEWEST:
        raise ValueError(f"{replicates} replicates are fewer than {_FEWEST}: too few for a quantile")
    noise = estimate_noise(problem, factors) if noise is None else noise
    if noise.spare <= 0:
        raise ValueError(
            f"{noise.measurements} measurements for {noise.unknowns} unknowns: no noise level to draw from"
        )
    with precision_of(problem.targets):
        fitted = as_fitted(problem, factors).orthonormalize()
        origin = jax.random.key(0) if key is None else key
        keys = jax.vmap(jax.random.fold_in, (None, 0))(origin, jnp.arange(replicates))
        refits, status = _refit(problem, fitted, jnp.asarray(noise.sigma, problem.targets.dtype), keys, max_steps)
        drawn, center = (jax.tree.map(np.asarray, each) for each in (refits, fitted))
    converged = np.asarray(status) == Status.CONVERGED
    if np.count_nonzero(converged) < 2:
        raise ValueError(f"{np.count_nonzero(converged)} of {replicates} refits converged: raise max_steps {max_steps}")
    kept: Factors = jax.tree.map(lambda part: part[converged], drawn)
    offset = None if problem.offset is None else np.asarray(problem.offset)
    return Bootstrap(center, kept, noise, int(np.count_nonzero(~converged)), offset)


@eqx.filter_jit
def _refit(
    problem: Problem, fitted: Factors, sigma: Float[Array, ""], keys: Key[Array, " m"], max_steps: int
) -> tuple[Factors, Int[Array, " m"]]:
    means = problem.sensing(jnp.asarray(fitted.compose()))
    present = problem.sample_weights > 0
    spread = jnp.where(present, sigma / jnp.sqrt(jnp.where(present, problem.sample_weights, 1.0)), 0.0)

    def refit(key: PRNGKeyArray) -> tuple[AbstractFactors, Int[Array, ""]]:
        targets = means + spread * jax.random.normal(key, means.shape, means.dtype)
        simulated = Problem(problem.sensing, targets, problem.sample_weights)
        solution = solve(simulated, VariableProjection(), Near(fitted, 0.0), fitted.rank, max_steps=max_steps)
        return solution.factors, solution.status

    refits: tuple[Factors, Int[Array, " m"]] = map_lanes(refit, keys)
    return refits

"""How well a fit determines the weights, its predictions and the subspaces."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from colora_theory.factors import AbstractFactors
from colora_theory.inference.interval import Interval, student_quantile
from colora_theory.inference.noise import NoiseEstimate, as_fitted, estimate_noise
from colora_theory.inference.reliability import Reliability
from colora_theory.inference.subspaces import SubspaceBounds, bound_sine
from colora_theory.precision import floats_of, precision_of
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractSensing
from colora_theory.theory import FactorCovariance

# Entries of U and V together for which their covariance matrix, 8 bytes times the square, is made.
_LARGEST = 4000


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """Standard errors and intervals of a least-squares fit, from the Cramer-Rao geometry at the fit.

    The errors of the fit are taken as normal on the tangent space with covariance sigma^2 (J^T J)^-1, sigma estimated
    from the residuals, so that intervals have Student's quantiles with N - DoF degrees of freedom. Exact in a linear
    model with normal noise; here to first order in the noise, if the model holds and the fit is the global minimum.

    Attributes:
        covariance: of the factors.
        noise: estimated.
        reliability: whether first order is enough.
        offset: the frozen weight, shape (num_rows, num_cols), or None.
        sigma: noise of each user as the intervals take it, shape (num_users,).
        spare: its degrees of freedom, shape (num_users,).
    """

    covariance: FactorCovariance
    noise: NoiseEstimate
    reliability: Reliability
    offset: np.ndarray | None
    sigma: np.ndarray
    spare: np.ndarray

    @classmethod
    def of(
        cls,
        problem: Problem,
        factors: AbstractFactors,
        *,
        noise: NoiseEstimate | None = None,
        per_user_noise: bool = False,
    ) -> "Uncertainty":
        """The uncertainty of a fit. Costs what `theory.FactorCovariance.at` does.

        Args:
            problem: the data that were fitted.
            factors: the fit, as `solve` or `fit` returns it.
            noise: where it is known better than from the residuals of the problem; by default `estimate_noise`.
            per_user_noise: each user has a noise level of its own. The covariance is then that of the same fit under
                such noise; its intervals take each user's own degrees of freedom, which is on the wide side.

        Raises:
            TypeError: if the subspaces are not shared.
            ValueError: for factors of other sizes than the problem's, with more than 4000 entries in U and V together,
                or with cores that do not use the rank: then fit with the rank that they use.
        """
        entries = factors.left.size + factors.right.size
        if entries > _LARGEST:
            raise ValueError(
                f"U and V have {entries} entries, more than {_LARGEST}: their covariance takes {8 * entries**2:,} "
                "bytes. Use ct.bootstrap"
            )
        noise = estimate_noise(problem, factors) if noise is None else noise
        num_users = len(noise.squares)
        sigma = noise.per_user if per_user_noise else np.full(num_users, noise.sigma)
        spare = noise.per_user_spare if per_user_noise else np.full(num_users, max(noise.spare, 0.0))
        # Without spare measurements there is no noise level, and only the geometry in units of it is known.
        level = np.where(np.isnan(sigma), 1.0, sigma)
        with precision_of(problem.targets):
            fitted = as_fitted(problem, factors)
            covariance = FactorCovariance.at(problem, fitted, level if per_user_noise else float(level[0]))
        offset = None if problem.offset is None else np.asarray(problem.offset)
        return cls(covariance, noise, Reliability.of(covariance, noise), offset, sigma, spare)

    @property
    def reliable(self) -> bool:
        """Whether the intervals can be trusted, see `reason`."""
        return self.reliability.reliable

    @property
    def reason(self) -> str:
        """Why the intervals can be trusted, or not."""
        return self.reliability.reason

    @property
    def errors(self) -> np.ndarray:
        """Expected ||W^_i - W_i||_F of each user, the root of the Cramer-Rao bound, shape (num_users,).

        Infinite where the data do not determine the user's weights, NaN where the noise cannot be estimated.
        """
        return np.where(np.isnan(self.sigma), np.nan, np.sqrt(self.covariance.squared_errors()))

    def weights(self, level: float = 0.9) -> Interval:
        """Confidence intervals for the entries of every W_i, the frozen weight included; shape (num_users, d1, d2).

        Raises:
            ValueError: for a level outside (0, 1).
        """
        return self._interval(self._weights(), self.covariance.weights(), level)

    def predictions(self, sensing: AbstractSensing, level: float = 0.9, *, with_noise: bool = False) -> Interval:
        """Intervals for <A_ij, W_i> of new measurements; shape (num_users, num_samples).

        Args:
            sensing: the new measurements of the same users, by any operator.
            level: in (0, 1).
            with_noise: prediction intervals, for measurements of weight one with their noise, in place of confidence
                intervals for their means.

        Raises:
            ValueError: for an operator of other sizes, or a level outside (0, 1).
        """
        weights = self._weights()
        if sensing.weights_shape != weights.shape:
            raise ValueError(f"the measurements are of weights {sensing.weights_shape}, the fit has {weights.shape}")
        with precision_of(weights):
            estimate = np.asarray(sensing(jnp.asarray(weights, floats_of(sensing))), float)
            variance = self.covariance.measurements(sensing)
        noise = np.where(np.isnan(self.sigma), 1.0, self.sigma) ** 2
        return self._interval(estimate, variance + noise[:, None] * with_noise, level)

    def subspaces(self, level: float = 0.9, *, draws: int = 4000, seed: int = 0) -> SubspaceBounds:
        """Upper confidence bounds for the largest sine between the fitted and the true subspaces.

        The quantile, over `draws` simulated errors dU of the fit, of the largest sine between U and U + dU; dU is
        normal with the covariance of the fit, over an independent chi variable for the estimated noise (a multivariate
        Student distribution). The same for V. O(draws m^2) operations.

        Raises:
            ValueError: for a level outside (0, 1) or fewer than 100 draws.
        """
        covariance, spare = self.covariance, float(np.min(self.spare))
        known = bool(covariance.determined.any())
        left = bound_sine(covariance.left_block if known else None, spare, level, draws, (seed, 0))
        right = bound_sine(covariance.right_block if known else None, spare, level, draws, (seed, 1))
        return SubspaceBounds(left, right, level, self.reliable, self.reason)

    def _weights(self) -> np.ndarray:
        covariance = self.covariance
        adapters = covariance.left @ covariance.cores @ covariance.right.T
        weights: np.ndarray = adapters if self.offset is None else adapters + self.offset
        return weights

    def _interval(self, estimate: np.ndarray, variance: np.ndarray, level: float) -> Interval:
        users = (slice(None), *(None,) * (estimate.ndim - 1))
        spread = np.sqrt(variance)
        reach = student_quantile(self.spare, level)[users]
        width = np.where(np.isinf(reach) | np.isinf(spread), np.inf, reach * spread)
        error = np.where(np.isnan(self.sigma)[users], np.inf, spread)
        return Interval(estimate, error, estimate - width, estimate + width, level, self.reliable, self.reason)

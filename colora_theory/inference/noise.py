"""How large the noise is, from what a fit leaves over."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special

from colora_theory.factors import AbstractFactors, Factors
from colora_theory.inference.interval import check_level
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.theory import degrees_of_freedom


@dataclasses.dataclass(frozen=True)
class NoiseEstimate:
    """sigma^2 = RSS / (N - DoF), for all users together and for each alone.

    Attributes:
        sigma: standard deviation of a measurement of weight one; NaN without spare measurements.
        spare: N - DoF, the degrees of freedom of `sigma`.
        unknowns: DoF.
        squares: weighted sum of the squared residuals of each user, shape (num_users,).
        counts: scalar measurements of each user, those of weight zero left out, shape (num_users,).
        per_user_spare: what each user has to spare, shape (num_users,): its measurements less those of its core, less
            its part of the two subspaces, taken in proportion to what is left; they sum to `spare`. Approximate.
        per_user: standard deviations, sqrt(squares / per_user_spare), NaN where nothing is spare.
    """

    sigma: float
    spare: int
    unknowns: int
    squares: np.ndarray
    counts: np.ndarray
    per_user_spare: np.ndarray
    per_user: np.ndarray

    @classmethod
    def of(
        cls, squares: np.ndarray, counts: np.ndarray, shape: tuple[int, int], rank: int | tuple[int, int]
    ) -> "NoiseEstimate":
        """The estimate from sums of squared residuals.

        Args:
            squares: weighted sums of each user, shape (num_users,).
            counts: scalar measurements of each user, shape (num_users,).
            shape: (num_rows, num_cols) of the weights.
            rank: r, or (r1, r2).

        Raises:
            ValueError: for an impossible rank.
        """
        squares, counts = np.asarray(squares, float), np.asarray(counts)
        unknowns, common = (degrees_of_freedom(users, *shape, rank) for users in (len(counts), len(counts) + 1))
        of_core = common - unknowns
        spare = int(counts.sum()) - unknowns
        beyond = np.maximum(counts - of_core, 0).astype(float)
        own = beyond * (max(spare, 0) / beyond.sum()) if beyond.any() else beyond
        return cls(
            math.sqrt(squares.sum() / spare) if spare > 0 else math.nan,
            spare,
            unknowns,
            squares,
            counts,
            own,
            np.sqrt(np.divide(squares, own, out=np.full(len(counts), np.nan), where=own > 0)),
        )

    @property
    def measurements(self) -> int:
        """N."""
        return int(self.counts.sum())

    @property
    def oversampling(self) -> float:
        """N / DoF."""
        return self.measurements / self.unknowns

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """A confidence interval for sigma, by the chi-square distribution of RSS / sigma^2; (0, inf) without spare.

        Raises:
            ValueError: for a level outside (0, 1).
        """
        check_level(level)
        if self.spare <= 0:
            return 0.0, math.inf
        low, high = (float(special.chdtri(self.spare, tail)) for tail in ((1 + level) / 2, (1 - level) / 2))
        squares = self.sigma**2 * self.spare
        return math.sqrt(squares / high), math.sqrt(squares / low)


def estimate_noise(problem: Problem, factors: AbstractFactors) -> NoiseEstimate:
    """The noise of a problem from the residuals of its fit.

    Unbiased, in its square, for a linear model; here to first order in the noise, at a minimum of the loss. Samples of
    outputs that a door has compressed count as the virtual ones that it has made of them, whose noise is the same.

    Args:
        problem: the data.
        factors: the fit, as `solve` or `fit` returns it.

    Raises:
        TypeError: if the subspaces are not shared.
    """
    with precision_of(problem.targets):
        squares = np.sum(np.square(np.asarray(problem.residual(as_fitted(problem, factors)), float)), axis=1)
    counts = np.count_nonzero(np.asarray(problem.sample_weights), axis=1)
    _, r1, r2 = factors.cores.shape
    return NoiseEstimate.of(squares, counts, problem.sensing.weights_shape[1:], (r1, r2))


def as_fitted(problem: Problem, factors: AbstractFactors) -> Factors:
    """The factors as JAX arrays in the precision of the problem.

    Raises:
        TypeError: if the subspaces are not shared.
        ValueError: if they are not of the problem's sizes.
    """
    if not isinstance(factors, Factors):
        raise TypeError(f"the fit is {type(factors).__name__}: shared subspaces are needed, Factors")
    sizes = (len(factors.cores), len(factors.left), len(factors.right))
    if sizes != problem.sensing.weights_shape:
        raise ValueError(f"the fit has users, rows and columns {sizes}, the problem {problem.sensing.weights_shape}")
    fitted: Factors = jax.tree.map(lambda part: jnp.asarray(part, problem.targets.dtype), factors)
    return fitted

"""How well a fit determines each user's weights, and what limits it, without knowing the truth."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from colora_theory.inference import NoiseEstimate, Uncertainty, estimate_noise
from colora_theory.problem import Problem
from colora_theory.solution import Solution, Status
from colora_theory.streaming import plain_errors

if TYPE_CHECKING:
    import pandas as pd

# Entries of U and V together for which the errors are computed: the bound's normal matrix is that large.
_LARGEST = 1500
# A relative residual below so many times the machine epsilon is rounding.
_ROUNDING = 20
# What can limit the accuracy of a user, and what it means.
LIMITS: Mapping[str, str] = {
    "noise": "more samples help",
    "counting": "fewer measurements than unknowns: many weights fit them",
    "not converged": "the solver stopped before the optimum",
    "rounding": "the data are met exactly",
}


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """How well every user of a fit is determined.

    With sigma^2 = RSS / (N - DoF) the errors are the Cramer-Rao bound at the fit: what least squares is expected to
    reach if the model holds, the noise is independent and of one size, and not too large. They are no confidence
    bounds, and say nothing of a wrong rank; for intervals see `Uncertainty`.

    Attributes:
        noise: what the residuals tell of the standard deviation of a measurement.
        norms: ||W_i - W_0||_F of each user, shape (num_users,).
        errors: estimates of ||W^_i - W_i||_F, shape (num_users,); NaN where there is none.
        limits: what limits the accuracy of each user, a name in `accuracy.LIMITS`: noise, counting, not converged, or
            rounding.
        doubts: why the errors may be off, or are missing although the data determine the weights; empty if nothing
            speaks against them.
    """

    noise: NoiseEstimate
    norms: np.ndarray
    errors: np.ndarray
    limits: tuple[str, ...]
    doubts: tuple[str, ...]

    @classmethod
    def of(cls, problem: Problem, solution: Solution, *, noise: NoiseEstimate | None = None) -> "Accuracy":
        """The accuracy of a fit. Costs what `Uncertainty.of` does.

        Args:
            problem: the data that were fitted.
            solution: what `fit` or `solve` made of them, with shared subspaces.
            noise: where it is known better than from the residuals of the problem, as of vector outputs, whose virtual
                samples leave out what no weights can explain; by default `estimate_noise`.

        Raises:
            TypeError: if the subspaces are not shared.
            ValueError: if the solution is of other sizes than the problem.
            StreamError: for a `Problem.streamed` whose file cannot be read or has changed.
        """
        factors = solution.factors
        if noise is None:
            with plain_errors():
                noise = estimate_noise(problem, factors)
        errors, doubts = _errors(problem, solution, noise)
        _, r1, r2 = factors.cores.shape
        needed = problem.sensing.measurements_of_core((r1, r2))
        enough = (noise.counts >= needed) & (noise.spare >= 0) & ~np.isinf(errors)
        return cls(
            noise,
            np.linalg.norm(np.asarray(factors.compose()), axis=(1, 2)),
            np.where(enough, errors, np.nan),
            tuple(_limit(solution, bool(each)) for each in enough),
            doubts,
        )

    @property
    def residual_rms(self) -> np.ndarray:
        """Root mean square of each user's weighted residuals, shape (num_users,); NaN without samples."""
        counts = self.noise.counts
        return np.sqrt(np.divide(self.noise.squares, counts, out=np.full(len(counts), np.nan), where=counts > 0))

    @property
    def relative_errors(self) -> np.ndarray:
        """`errors` over `norms`, shape (num_users,); NaN where there is none."""
        return np.divide(self.errors, self.norms, out=np.full(len(self.norms), np.nan), where=self.norms > 0)

    def error_range(self, level: float = 0.9) -> tuple[float, float]:
        """By what the errors are multiplied at the ends of the interval of the noise; NaN without one.

        Raises:
            ValueError: for a level outside (0, 1).
        """
        low, high = self.noise.interval(level)
        if not self.noise.sigma > 0:
            return math.nan, math.nan
        return low / self.noise.sigma, high / self.noise.sigma

    def to_frame(self, users: Sequence[object] | None = None, *, level: float = 0.9) -> "pd.DataFrame":
        """One row for each user: name, scalar measurements, residuals, errors, and what limits the accuracy.

        Columns `user`, `samples`, `residual_rms`, `estimated_error`, `estimated_relative_error`,
        `relative_error_lower` and `relative_error_upper`, at the ends of the interval of the noise, and `limited_by`.

        Args:
            users: names, in the order of the weights (of a table, see `user_names`); numbers from 0 if left out.
            level: of the interval of the noise.

        Raises:
            ValueError: for another number of names than of users, or a level outside (0, 1).
        """
        import pandas as pd

        names = list(range(len(self.norms))) if users is None else list(users)
        if len(names) != len(self.norms):
            raise ValueError(f"{len(names)} names were given for {len(self.norms)} users")
        low, high = self.error_range(level)
        return pd.DataFrame(
            {
                "user": names,
                "samples": self.noise.counts,
                "residual_rms": self.residual_rms,
                "estimated_error": self.errors,
                "estimated_relative_error": self.relative_errors,
                "relative_error_lower": low * self.relative_errors,
                "relative_error_upper": high * self.relative_errors,
                "limited_by": self.limits,
            }
        )


def _errors(problem: Problem, solution: Solution, noise: NoiseEstimate) -> tuple[np.ndarray, tuple[str, ...]]:
    """Square roots of the Cramer-Rao bounds of the users; NaN where it cannot be had, infinite where data lack.

    And why they are not to be relied on, if they are not.
    """
    factors = solution.factors
    unknown = np.full(len(noise.counts), np.nan)
    if math.isnan(noise.sigma):
        return unknown, ()
    entries = factors.left.size + factors.right.size
    if entries > _LARGEST:
        return unknown, (f"no errors: U and V have {entries} entries, more than {_LARGEST}. Use ct.bootstrap",)
    try:
        with plain_errors():
            uncertainty = Uncertainty.of(problem, factors, noise=noise)
    except ValueError as error:  # cores of lower rank: not all of the subspaces mean something
        return unknown, (f"no errors: {error}",)
    return uncertainty.errors, () if uncertainty.reliable else (f"errors may be off: {uncertainty.reason}",)


def _limit(solution: Solution, enough: bool) -> str:
    if int(solution.status) != Status.CONVERGED:
        return "not converged"
    if not enough:
        return "counting"
    exact = float(solution.relative_residual) <= _ROUNDING * np.finfo(np.asarray(solution.factors.cores).dtype).eps
    return "rounding" if exact else "noise"

"""A posterior of the weights, and what can be asked of it."""

import dataclasses
import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key
from scipy import special

from colora_theory.inference.interval import Interval, check_level, student_quantile
from colora_theory.precision import floats_of, precision_of
from colora_theory.sensing import AbstractSensing
from colora_theory.theory import FactorCovariance

if TYPE_CHECKING:
    import pandas as pd

# Relative to the largest: directions of smaller variance, those within the subspaces, have none.
_NOTHING = 1e-12


@dataclasses.dataclass(frozen=True)
class Posterior:
    """A normal distribution of the errors of cores and subspaces around a point, to first order also of the weights.

    Attributes:
        covariance: the point, in orthonormal bases, and the covariance; its parts of U and V are zero where the
            subspaces were taken as known.
        noise: sigma, standard deviation of a measurement of weight one.
        spare: measurements less what was learnt from them, the degrees of freedom of `noise`; infinite if it was
            given. Intervals and samples have Student's distribution with as many.
        learnt: how many unknowns the data determine, the rest being told by the prior; DoF under a flat one.
        offset: the frozen weight, shape (d1, d2), or None.
        reliable: whether first order is enough, as of `Uncertainty`, and the prior was found.
        reason: why, or why not.
    """

    covariance: FactorCovariance
    noise: float
    spare: float
    learnt: float
    offset: np.ndarray | None
    reliable: bool
    reason: str

    @property
    def mean(self) -> Float[np.ndarray, "k d1 d2"]:
        """Of every W_i, the frozen weight included."""
        adapters = self.covariance.left @ self.covariance.cores @ self.covariance.right.T
        weights: np.ndarray = adapters if self.offset is None else adapters + self.offset
        return weights

    @property
    def errors(self) -> Float[np.ndarray, " k"]:
        """The root of the expected ||W_i - mean||_F^2 of each user at the noise that is told."""
        return np.sqrt(self.covariance.squared_errors())

    def weights(self, level: float = 0.9) -> Interval:
        """Credible intervals for the entries of every W_i; shape (num_users, d1, d2).

        Raises:
            ValueError: for a level outside (0, 1).
        """
        return self._interval(self.mean, self.covariance.weights(), level)

    def predictions(self, sensing: AbstractSensing, level: float = 0.9, *, with_noise: bool = True) -> Interval:
        """Intervals for new measurements of the same users; shape (num_users, num_samples).

        Args:
            sensing: the new measurements, by any operator.
            level: in (0, 1).
            with_noise: of measurements of weight one with their noise, or of their means.

        Raises:
            ValueError: for an operator of other sizes, or a level outside (0, 1).
        """
        mean = self.mean
        if sensing.weights_shape != mean.shape:
            raise ValueError(f"the measurements are of weights {sensing.weights_shape}, the posterior of {mean.shape}")
        with precision_of(mean):
            centre = np.asarray(sensing(jnp.asarray(mean, floats_of(sensing))), float)
            variance = self.covariance.measurements(sensing)
        return self._interval(centre, variance + self.noise**2 * with_noise, level)

    def sample(self, key: Key[Array, ""], count: int) -> Float[np.ndarray, "count k d1 d2"]:
        """Draws of all W_i from the posterior, to first order in the errors, so with the variances of `weights`.

        Raises:
            ValueError: for less than one draw.
        """
        if count < 1:
            raise ValueError(f"{count} draws are fewer than 1")
        seed = np.asarray(jax.random.key_data(key)).tolist()
        random = np.random.default_rng(seed)
        known = self.covariance
        users, r1, r2 = known.cores.shape
        values, vectors = np.linalg.eigh(known.shared)
        seen = values > _NOTHING * max(float(values[-1]), math.ulp(0.0))
        roots = np.sqrt(values[seen])
        unit = random.standard_normal((count, len(roots)))
        shared = (unit * roots) @ vectors[:, seen].T
        # The cores given the subspaces: their regression on them, and what is left.
        slope = known.coupling @ (vectors[:, seen] / roots)
        rest = known.own - slope @ np.swapaxes(slope, 1, 2)
        spread, axes = np.linalg.eigh((rest + np.swapaxes(rest, 1, 2)) / 2)
        alone = random.standard_normal((count, users, r1 * r2)) * np.sqrt(np.maximum(spread, 0))
        own = np.einsum("kpq,ckq->ckp", axes, alone) + np.einsum("kpm,cm->ckp", slope, unit)
        if math.isfinite(self.spare):
            widening = np.sqrt(self.spare / random.chisquare(self.spare, count))
            own, shared = own * widening[:, None, None], shared * widening[:, None]
        size = known.left.size
        of_left = shared[:, :size].reshape(count, r1, len(known.left))
        of_right = shared[:, size:].reshape(count, r2, len(known.right))
        draws = np.einsum("ar,ckrs,bs->ckab", known.left, own.reshape(count, users, r1, r2), known.right, optimize=True)
        draws += np.einsum("cra,krs,bs->ckab", of_left, known.cores, known.right, optimize=True)
        draws += np.einsum("ar,krs,csb->ckab", known.left, known.cores, of_right, optimize=True)
        total: np.ndarray = self.mean + draws
        return total

    def to_frame(self, level: float = 0.9) -> "pd.DataFrame":
        """A pandas table with one row for each entry of each W_i: user, row, column, mean, sd and interval.

        Raises:
            ImportError: without pandas.
            ValueError: for a level outside (0, 1).
        """
        import pandas as pd

        found = self.weights(level)
        users, rows, columns = (index.ravel() for index in np.indices(found.estimate.shape))
        return pd.DataFrame(
            {
                "user": users,
                "row": rows,
                "column": columns,
                "mean": found.estimate.ravel(),
                "sd": found.standard_error.ravel(),
                "lower": found.lower.ravel(),
                "upper": found.upper.ravel(),
            }
        )

    def summary(self) -> str:
        """In a sentence: noise, what was learnt, errors, and whether it can be trusted."""
        users, d1, d2 = self.mean.shape
        level = "can be trusted" if self.reliable else "cannot be trusted"
        return (
            f"posterior of {users} weights {d1} x {d2}: noise {self.noise:.3g}, {self.learnt:.1f} unknowns learnt from "
            f"the data, error of a user {np.median(self.errors):.3g} (median); intervals {level}: {self.reason}"
        )

    def _interval(self, estimate: np.ndarray, variance: np.ndarray, level: float) -> Interval:
        check_level(level)
        spread = np.sqrt(variance)
        if math.isinf(self.spare):
            reach = float(special.ndtri((1 + level) / 2))
        else:
            reach = float(student_quantile(self.spare, level))
        width = reach * spread
        return Interval(estimate, spread, estimate - width, estimate + width, level, self.reliable, self.reason)

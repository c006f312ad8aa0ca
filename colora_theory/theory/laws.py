"""Laws of large Gaussian designs: error, rate and isometry from the cores and the sizes alone, without data.

On the tangent space the measurements of user i are n_i Gaussian rows whose covariance is the identity on the user's own
core, S_i (x) 1 on the coordinates of U and T_i (x) 1 on those of V, with S_i = G^(-1/2) C_i C_i^T G^(-1/2) and
T_i = H^(-1/2) C_i^T C_i H^(-1/2), each summing to the identity over the users. The laws are deterministic equivalents
of matrices made of such rows: exact as d1, d2 and n grow together with k and r fixed; docs/theory.md derives them.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from colora_theory.theory.shares import energy_shares
from colora_theory.theory.wishart import expected_largest_of_all

_MAX_ITERATIONS = 5000
_FIXED_POINT_TOL = 1e-10
_BISECTIONS = 20
# Increments that grow so many times in a row will not shrink again.
_GROWTHS = 20
_UNBOUNDED = 1e12


def noise_law(
    cores: np.ndarray, num_rows: int, num_cols: int, num_samples: int | np.ndarray, noise: float
) -> np.ndarray:
    """Expected squared error E ||W^_i - W_i||_F^2 of each user, to leading order in the noise; shape (num_users,).

    With users of equal weight it is sigma^2 times DoF / (n k - DoF) per user and sample: the plain count
    sigma^2 DoF / (n k) times N / (N - DoF). Infinite where there are too few samples.

    Args:
        cores: cores for orthonormal U and V, shape (num_users, r1, r2).
        num_rows: d1.
        num_cols: d2.
        num_samples: samples of one user, one number or one for each user.
        noise: sigma, standard deviation of a measurement.

    Raises:
        ValueError: for a negative noise, or a core stack that is rank deficient.
    """
    if noise < 0:
        raise ValueError(f"noise {noise} is below 0")
    shares = _Shares.of(cores, num_rows, num_cols, num_samples)
    if noise == 0:
        return np.zeros(len(shares.num_samples))
    spare = shares.num_samples - shares.size

    def curvatures(spread: np.ndarray) -> np.ndarray:
        return np.maximum(spare, 0) / (1 + spread)

    spread = shares.fixed_point(curvatures)
    if spread is None:
        return np.full(len(spare), np.inf)
    # With the subspaces known it is the mean of an inverse Wishart matrix, whose -1 counts for small cores.
    exact = np.where(spare > 1, spare - 1, np.nan)
    errors = noise**2 * (shares.size / exact + spread * (1 + shares.size / exact))
    return np.where(spare > 1, errors, np.inf)


def contraction_law(cores: np.ndarray, num_rows: int, num_cols: int, num_samples: int | np.ndarray) -> float:
    """The factor by which a sweep of alternating minimization multiplies a small error, without noise.

    The largest squared canonical correlation between what the cores and what U and V together can change in the
    measurements. Alternation between cores and (U, V) has exactly this rate; with U and V one after the other it is
    close to it, as their own coupling is weaker. With users of equal weight it is Wachter's edge
    (sqrt(a (1 - b)) + sqrt(b (1 - a)))^2, a = k r1 r2 / N, b = (DoF - k r1 r2) / N; users of unequal weight are fewer
    users in effect, and slower. 1 where there are too few samples.

    Args:
        cores: cores for orthonormal U and V, shape (num_users, r1, r2).
        num_rows: d1.
        num_cols: d2.
        num_samples: samples of one user, one number or one for each user.

    Raises:
        ValueError: for a core stack that is rank deficient.
    """
    shares = _Shares.of(cores, num_rows, num_cols, num_samples)
    if shares.left_dimension + shares.right_dimension == 0:
        return 0.0
    size, spare = shares.size, shares.num_samples - shares.size

    def definite(rate: float) -> bool:
        """Whether no correlation is as large as this."""

        def curvatures(spread: np.ndarray) -> np.ndarray:
            inside = 1 - (1 - rate) * spread
            if np.any(inside <= 0):
                return np.full_like(spread, -np.inf)
            return spare * rate / (1 + rate * spread) - size * (1 - rate) / inside

        return shares.fixed_point(curvatures) is not None

    if np.any(spare <= 0) or not definite(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if definite(middle) else (middle, high)
    return high


def isometry_law(cores: np.ndarray, num_rows: int, num_cols: int, num_samples: int | np.ndarray) -> float:
    """The isometry constant delta_T on the tangent space: how far the largest eigenvalue of J^T J is from 1.

    The larger of two: the upper edge of the spectrum in the limit of large sizes, and the expected constant of the
    worst user's own core, which is a lower bound and takes over where there are many users. The measurements of user i
    are divided by the root of n_i, as in `isometry_constant`; the smallest eigenvalue is nearer to 1. With users of
    equal weight the edge is (1 + sqrt(DoF / N))^2 (Marchenko and Pastur).

    Args:
        cores: cores for orthonormal U and V, shape (num_users, r1, r2).
        num_rows: d1.
        num_cols: d2.
        num_samples: samples of one user, one number or one for each user; at least 1.

    Raises:
        ValueError: for a core stack that is rank deficient, or a user without samples.
    """
    shares = _Shares.of(cores, num_rows, num_cols, num_samples)
    size, samples = shares.size, shares.num_samples
    if np.any(samples < 1):
        raise ValueError(f"num_samples {samples.min():g} is below 1")

    def above(value: float) -> bool:
        """Whether all eigenvalues are below."""

        def curvatures(spread: np.ndarray) -> np.ndarray:
            # f = value - 1 / (1 - v) with n v = u + r1 r2 / f, the user's own core being eliminated: the larger root.
            leading, linear = samples - spread, samples * (value - 1) + size - spread * value
            root = linear**2 - 4 * leading * size * value
            if np.any(leading <= 0) or np.any(linear <= 0) or np.any(root < 0):
                return np.full_like(spread, -np.inf)
            return (linear + np.sqrt(root)) / (2 * leading)

        return shares.fixed_point(curvatures) is not None

    low, high = 1.0, 2.0
    while not above(high):
        low, high = high, 2 * high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if above(middle) else (middle, high)
    return max(high, expected_largest_of_all(samples, size)) - 1


@dataclasses.dataclass(frozen=True)
class _Shares:
    """The covariances of the rows: what part of U and V each user sees."""

    left: np.ndarray
    right: np.ndarray
    left_dimension: int
    right_dimension: int
    num_samples: np.ndarray

    @classmethod
    def of(cls, cores: np.ndarray, num_rows: int, num_cols: int, num_samples: int | np.ndarray) -> "_Shares":
        cores = np.asarray(cores, float)
        num_users, r1, r2 = cores.shape
        samples = np.broadcast_to(np.asarray(num_samples, float), (num_users,))
        return cls(energy_shares(cores), energy_shares(np.swapaxes(cores, 1, 2)), num_rows - r1, num_cols - r2, samples)

    @property
    def size(self) -> int:
        """Entries of a core."""
        return self.left.shape[1] * self.right.shape[1]

    def fixed_point(self, curvatures: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
        """The smallest u >= 0 with u_i = (d1 - r1) tr(S_i X) + (d2 - r2) tr(T_i Y), or None if there is none.

        X and Y are the inverses of sum_i f_i S_i and sum_i f_i T_i with f = curvatures(u), which falls with u: the
        iteration from 0 rises to the solution, with increments that shrink in the end; where there is none they grow.
        """
        spread, increment, growths = np.zeros(len(self.num_samples)), np.inf, 0
        for _ in range(_MAX_ITERATIONS):
            weights = curvatures(spread)
            new = np.zeros_like(spread)
            for shares, dimension in ((self.left, self.left_dimension), (self.right, self.right_dimension)):
                if not dimension:
                    continue
                total = np.einsum("k,kpq->pq", weights, shares) if np.isfinite(weights).all() else -np.eye(1)
                if np.linalg.eigvalsh(total)[0] <= 0:
                    return None
                new += dimension * np.einsum("kpq,qp->k", shares, np.linalg.inv(total))
            previous, increment = increment, float(np.max(new - spread))
            if increment <= _FIXED_POINT_TOL * (1 + np.max(new)):
                return new
            growths = growths + 1 if increment > previous else 0
            if growths > _GROWTHS or increment > _UNBOUNDED:
                return None
            spread = new
        return None

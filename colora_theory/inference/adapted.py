"""A new user in the subspaces of others: its core, the error of its weights, and whether it belongs there."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np
from scipy import special

from colora_theory.factors import AbstractFactors, Factors
from colora_theory.inference.interval import check_level
from colora_theory.inference.uncertainty import Uncertainty
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.theory import FactorCovariance
from colora_theory.theory.covariance import measurement_designs

# Singular values of the design of the core below this power of the machine epsilon, relative to the largest, are zero.
_SINGULAR = 2 / 3
# Noise below so many machine epsilons of the measurements is rounding.
_ROUNDING_IN_EPS = 100.0
# How far the subspaces of a fit may be from those that its uncertainty is told of.
_SAME = 1e-3


@dataclasses.dataclass(frozen=True)
class Adapted:
    """What was found of a new user.

    Attributes:
        core: C, shape (r1, r2), in the bases of the solution.
        weights: W = U C V^T, the frozen weight included, shape (d1, d2).
        error: expected ||W^ - W||_F, the root of the sum of the squares of the next two, if the subspaces serve the
            user; NaN without a noise level.
        error_of_noise: sigma sqrt(tr((X^T X)^-1)), X being the design of the core: what is left with known subspaces.
        error_of_subspaces: what the errors of U and V add; 0 if nothing was told of them.
        spare: measurements beyond those that the core takes; without any, nothing can be tested.
        statistic: mean square of the spare part of the residual over the variance of the noise.
        p_value: probability of a statistic at least as large for a user that the subspaces serve; NaN if not tested.
        serves: whether the subspaces serve this user: False if `p_value` is below the level; None if not tested.
        verdict: the same in a sentence.
    """

    core: np.ndarray
    weights: np.ndarray
    error: float
    error_of_noise: float
    error_of_subspaces: float
    spare: int
    statistic: float
    p_value: float
    serves: bool | None
    verdict: str


def adapt(
    factors: AbstractFactors,
    A: np.ndarray | Problem,
    y: np.ndarray | None = None,
    *,
    offset: np.ndarray | None = None,
    sample_weights: np.ndarray | None = None,
    uncertainty: Uncertainty | None = None,
    noise: float | None = None,
    level: float = 0.05,
) -> Adapted:
    """Fits the core of one new user by least squares in given subspaces, and tests whether they serve it.

    Works in the precision of the data and returns numpy arrays. To first order the measurements are X c + Z s + noise,
    s being the errors dU and dV of the subspaces and Z the derivatives by them. Outside of the range of X the residual
    then has the covariance sigma^2 + Z Cov(s) Z^T if the subspaces serve the user. Its squared length in that metric
    over n - r1 r2 is an F variable with n - r1 r2 and N - DoF degrees of freedom, sigma being estimated from the N
    measurements of the old users (G. C. Chow, Econometrica 28, 1960). With sigma given, a chi-square variable.

    Args:
        factors: of the old users; only the subspaces matter.
        A: sensing matrices of the new user, shape (n, d1, d2); or a `Problem` of one user, by any door.
        y: measurements, shape (n,).
        offset: the frozen weight W_0 of the old users, shape (d1, d2); zero if left out.
        sample_weights: of the squared residuals, shape (n,); one means the noise of the old users.
        uncertainty: of the old users' fit; without it the subspaces are taken as known.
        noise: standard deviation of a measurement of weight one, taken as known; by default the estimate in
            `uncertainty`, and without that the residual of the new user, which tests nothing.
        level: of the test: the share of users that it turns away although they belong.

    Raises:
        TypeError: for bad data, subspaces that are not shared, or data beside a `Problem`.
        ValueError: for bad data, a problem of other sizes, several users or another offset, measurements that do not
            determine the core, a noise that is not positive, a level outside (0, 1), or the uncertainty of another fit.
    """
    check_level(level)
    if noise is not None and not (noise > 0 and math.isfinite(noise)):
        raise ValueError(f"noise {noise} is not a positive number: give a standard deviation, or leave it out")
    with precision_of(*((A.targets,) if isinstance(A, Problem) else (A, y))):
        problem = one_user(A, y, offset, sample_weights)
        basis = _basis(factors, problem, uncertainty)
        design, _ = _designs(problem, basis)
        targets = np.asarray(problem.scaled_targets, float)[0]
        inverse = _invert(design, problem, basis)
        basis = dataclasses.replace(basis, core=(inverse @ targets).reshape(basis.core.shape))
        _, derivative = _designs(problem, basis)
    weights = basis.left @ basis.core @ basis.right.T
    residual = targets - design @ basis.core.reshape(-1)
    spare = int(np.count_nonzero(np.asarray(problem.sample_weights))) - basis.core.size

    covariance = None if uncertainty is None else uncertainty.covariance
    told, free = _noise_of(uncertainty, noise)
    rounding = _ROUNDING_IN_EPS * np.finfo(problem.targets.dtype).eps * math.sqrt(np.mean(targets**2))
    sigma = told if not math.isnan(told) else math.sqrt(residual @ residual / spare) if spare > 0 else math.nan
    spread = np.zeros((derivative.shape[1], 0)) if covariance is None else _root(covariance.shared)
    of_noise = sigma * math.sqrt(float(np.sum(inverse**2)))
    of_subspaces = 0.0
    if covariance is not None:
        moved = basis.shared_error(covariance) + float(np.sum((inverse @ derivative @ spread) ** 2))
        of_subspaces = math.sqrt(moved) if covariance.determined.any() else math.inf
    statistic = p_value = math.nan
    if spare > 0 and not math.isnan(told):
        outside = derivative @ spread - design @ (inverse @ derivative @ spread)
        statistic = _mean_square(residual, outside, max(told, rounding, np.finfo(float).tiny)) / spare
        p_value = _tail(statistic, spare, free)
    dtype = problem.targets.dtype
    whole = weights if problem.offset is None else weights + np.asarray(problem.offset, float)
    serves = None if math.isnan(p_value) else p_value >= level
    return Adapted(
        (basis.turn_left @ basis.core @ basis.turn_right.T).astype(dtype),
        whole.astype(dtype),
        math.hypot(of_noise, of_subspaces),
        of_noise,
        of_subspaces,
        spare,
        statistic,
        p_value,
        serves,
        _verdict(serves, p_value, level, spare),
    )


@dataclasses.dataclass(frozen=True)
class _Basis:
    """Orthonormal subspaces with a core, and what turns it into the core in the bases of the solution."""

    left: np.ndarray
    core: np.ndarray
    right: np.ndarray
    turn_left: np.ndarray
    turn_right: np.ndarray

    def shared_error(self, covariance: FactorCovariance) -> float:
        """E ||dU C V^T + U C dV^T||_F^2."""
        by_left, by_right = (np.einsum("paqa->pq", each) for each in (covariance.left_block, covariance.right_block))
        total: float = np.sum(by_left * (self.core @ self.core.T)) + np.sum(by_right * (self.core.T @ self.core))
        return float(total)


def one_user(
    A: np.ndarray | Problem, y: np.ndarray | None, offset: np.ndarray | None, sample_weights: np.ndarray | None
) -> Problem:
    """One new user's data, whatever they were given as.

    Raises:
        TypeError, ValueError: see `adapt`.
    """
    frozen = None if offset is None else np.asarray(offset)
    if not isinstance(A, Problem):
        if y is None:
            raise TypeError("y is missing: the measurements that go with A")
        weights = None if sample_weights is None else [sample_weights]
        return Problem.dense([A], [y], sample_weights=weights, offset=frozen)
    for name, value in (("y", y), ("sample_weights", sample_weights)):
        if value is not None:
            raise TypeError(f"{name} was given beside a Problem, which holds its own")
    if len(A.targets) != 1:
        raise ValueError(f"the problem has {len(A.targets)} users: one new user at a time")
    same = frozen is A.offset if frozen is None or A.offset is None else np.allclose(frozen, np.asarray(A.offset))
    if not same:
        raise ValueError("the problem's offset is not that of the solution: give the problem offset=solution.offset")
    return A


def _basis(factors: AbstractFactors, problem: Problem, uncertainty: Uncertainty | None) -> _Basis:
    if not isinstance(factors, Factors):
        raise TypeError(f"the fit is {type(factors).__name__}: shared subspaces are needed, Factors")
    _, *sizes = problem.sensing.weights_shape
    if [len(factors.left), len(factors.right)] != sizes:
        raise ValueError(f"the weights are {tuple(sizes)}, the subspaces {(len(factors.left), len(factors.right))}")
    given = [np.asarray(side, float) for side in (factors.left, factors.right)]
    if uncertainty is None:
        bases = [np.linalg.qr(side)[0] for side in given]
    else:
        bases = [uncertainty.covariance.left, uncertainty.covariance.right]
    # C in the given bases G = B T is T^-1 C T^-T.
    turns = []
    for side, basis in zip(given, bases, strict=True):
        if side.shape != basis.shape or np.linalg.norm(side - basis @ (basis.T @ side)) > _SAME * np.linalg.norm(side):
            raise ValueError("the uncertainty is that of another fit: make it from these factors")
        turns.append(np.linalg.inv(basis.T @ side))
    return _Basis(bases[0], np.zeros(factors.rank), bases[1], *turns)


def _designs(problem: Problem, basis: _Basis) -> tuple[np.ndarray, np.ndarray]:
    """Scaled derivatives of the measurements by the core, (n, p), and by U^T and V^T, (n, m)."""
    dtype = problem.targets.dtype
    parts = (jnp.asarray(part, dtype) for part in (basis.left, basis.core[None], basis.right))
    scale = np.asarray(problem.scale, float)[0]
    own, shared = (np.asarray(each, float)[0] * scale for each in measurement_designs(problem.sensing, *parts))
    return own.T, shared.T


def _invert(design: np.ndarray, problem: Problem, basis: _Basis) -> np.ndarray:
    """The pseudo-inverse of the design of the core, (p, n)."""
    tolerance = float(np.finfo(problem.targets.dtype).eps) ** _SINGULAR
    rank, unknowns = int(np.linalg.matrix_rank(design, rtol=tolerance)), design.shape[1]
    if rank < unknowns:
        pair = (basis.core.shape[0], basis.core.shape[1])
        raise ValueError(
            f"{np.count_nonzero(np.asarray(problem.sample_weights))} measurements determine {rank} of the {unknowns} "
            f"entries of a core of rank {pair}: at least {problem.sensing.measurements_of_core(pair)} are needed"
        )
    inverse: np.ndarray = np.linalg.pinv(design, rcond=tolerance)
    return inverse


def _noise_of(uncertainty: Uncertainty | None, noise: float | None) -> tuple[float, float]:
    """The noise level and its degrees of freedom; NaN if it is not known."""
    if noise is not None:
        return noise, math.inf
    if uncertainty is None or not uncertainty.covariance.determined.any():
        return math.nan, 0.0
    return uncertainty.noise.sigma, float(uncertainty.noise.spare)


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    root: np.ndarray = vectors * np.sqrt(np.maximum(values, 0))
    return root


def _mean_square(residual: np.ndarray, outside: np.ndarray, sigma: float) -> float:
    """residual^T (sigma^2 + outside outside^T)^-1 residual, by a matrix of the other size (Woodbury)."""
    e, g = residual / sigma, outside / sigma
    along = g.T @ e
    return float(e @ e - along @ np.linalg.solve(np.eye(len(along)) + g.T @ g, along))


def _tail(statistic: float, spare: int, free: float) -> float:
    """The probability of an F variable, or of chi-square over its degrees of freedom, to be as large."""
    if math.isinf(free):
        return float(special.chdtrc(spare, spare * statistic))
    return float(special.fdtrc(spare, free, statistic))


def _verdict(serves: bool | None, p_value: float, level: float, spare: int) -> str:
    if serves is None and spare <= 0:
        return "cannot test: the core takes up all measurements; more of them would tell whether the subspaces serve"
    if serves is None:
        return "cannot test: the noise is not known; give the uncertainty of the fit, or noise"
    if serves:
        return f"no sign against the shared subspaces (p = {p_value:.2g}, {spare} spare measurements)"
    return f"the shared subspaces do not serve this user (p = {p_value:.2g}, below {level:g})"

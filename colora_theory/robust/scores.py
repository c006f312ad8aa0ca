"""How well each user fits into subspaces that some of the users have determined."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import special

from colora_theory.factors import Factors
from colora_theory.linalg import AnyArray
from colora_theory.problem import Problem
from colora_theory.starts import fit_cores
from colora_theory.theory.covariance import measurement_designs

# Directions of the subspaces whose information is below this power of epsilon, relative to the largest, are a change of
# basis; noise below so many epsilons of a user's measurements is rounding.
_NOTHING = 2 / 3
_ROUNDING_IN_EPS = 100.0
# One minus a leverage is at least this: nearer to one, a user alone has determined a direction.
_LEAST = 1e-6


@dataclasses.dataclass(frozen=True)
class UserScores:
    """What the users' residuals say of them, each seen from a fit without it.

    Attributes:
        squares: weighted sum of squares of each user's residual with its own best core, shape (num_users,).
        spare: its measurements beyond those of its core, shape (num_users,); 0 if there are none.
        variance: of the noise of a measurement of weight one, as the kept users other than itself tell it, shape
            (num_users,); NaN if they have nothing to spare.
        score: what the loss grows by if the user joins the others, over `spare`, in units of that variance, shape
            (num_users,): 1 on average for users whom the subspaces serve; NaN for those who cannot be tested.
        p_value: probability of a score at least as large for a user whom the subspaces serve, shape (num_users,); NaN
            for those who cannot be tested.
    """

    squares: np.ndarray
    spare: np.ndarray
    variance: np.ndarray
    score: np.ndarray
    p_value: np.ndarray

    @classmethod
    def of(
        cls,
        problem: Problem,
        factors: Factors,
        kept: Bool[np.ndarray, " k"],
        *,
        noise: float | None = None,
        shrinkage: float = 1.0,
    ) -> "UserScores":
        """The scores at a least-squares fit of the kept users.

        A user who was kept has bent the subspaces towards itself, one who was not has not. To first order both are
        seen from a fit without them: with X the user's design of the core, Z the derivatives by the subspaces outside
        the range of X, G the sum of Z^T Z over the kept and e the residual, joining costs e^T (1 - Z G^-1 Z^T)^-1 e
        for a kept user and e^T (1 + Z G^-1 Z^T)^-1 e for another one (G. C. Chow, Econometrica 28, 1960). Over the
        measurements to spare and the variance that the others tell, it is an F variable.

        Args:
            problem: the data of all users.
            factors: the fit; only its subspaces matter.
            kept: who determined it.
            noise: standard deviation of a measurement of weight one; that of the kept users if left out.
            shrinkage: by what the selection of the kept users has lowered the variance that is seen in them.
        """
        pair = factors.rank
        own, shared, residual = (np.asarray(each, float) for each in _designs(problem, factors))
        counts = np.count_nonzero(np.asarray(problem.sample_weights), axis=1)
        spare = np.maximum(counts - pair[0] * pair[1], 0)
        squares = np.sum(residual**2, axis=1)

        left, values, _ = np.linalg.svd(np.swapaxes(own, 1, 2), full_matrices=False)
        tolerance = float(np.finfo(problem.targets.dtype).eps) ** _NOTHING
        left = np.where(values[:, None] > tolerance * values[:, :1, None], left, 0.0)
        outside = np.swapaxes(shared, 1, 2)
        outside = outside - left @ (np.swapaxes(left, 1, 2) @ outside)
        information = np.einsum("knp,knq->pq", outside[kept], outside[kept], optimize=True)
        strength, directions = np.linalg.eigh(information)
        told = strength > tolerance * strength[-1]
        seen, lengths, _ = np.linalg.svd(outside @ (directions[:, told] / np.sqrt(strength[told])), full_matrices=False)
        along, leverage = np.einsum("knq,kn->kq", seen, residual) ** 2, lengths**2
        inside = np.sum(along * leverage / np.maximum(1 - leverage, _LEAST), axis=1)
        joined = np.where(kept, squares + inside, squares - np.sum(along * leverage / (1 + leverage), axis=1))

        free, variance = _variance_of_others(problem, pair, kept, squares, joined, counts)
        variance = variance / shrinkage
        if noise is not None:
            free, variance = np.full(len(kept), np.inf), np.full(len(kept), noise**2)
        rounding = _ROUNDING_IN_EPS * float(np.finfo(problem.targets.dtype).eps)
        floor = np.mean(np.square(np.asarray(problem.scaled_targets, float)), axis=1) * rounding**2
        floor = np.maximum(floor, np.finfo(float).tiny)
        known = (spare > 0) & (free > 0)
        score = np.divide(joined, spare * np.maximum(variance, floor), out=np.full(len(kept), np.nan), where=known)
        exact = np.isinf(free)
        p_value = np.where(
            exact, special.chdtrc(spare, spare * score), special.fdtrc(spare, np.where(exact, 1.0, free), score)
        )
        return cls(squares, spare, variance, score, np.where(known, p_value, np.nan))


def _variance_of_others(
    problem: Problem,
    pair: tuple[int, int],
    kept: np.ndarray,
    squares: np.ndarray,
    joined: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Degrees of freedom and variance of the noise from the kept users but each itself."""
    _, *sizes = problem.sensing.weights_shape
    shared = sum(rank * (size - rank) for rank, size in zip(pair, sizes, strict=True))
    free = counts[kept].sum() - kept * counts - shared - (kept.sum() - kept) * pair[0] * pair[1]
    left_over = np.maximum(squares[kept].sum() - kept * joined, 0.0)
    return free.astype(float), np.divide(left_over, free, out=np.full(len(kept), np.nan), where=free > 0)


@eqx.filter_jit
def _designs(
    problem: Problem, factors: Factors
) -> tuple[Float[Array, "k p n"], Float[Array, "k m n"], Float[Array, "k n"]]:
    """Scaled derivatives by cores and subspaces at each user's best core, and the residual there."""
    best = fit_cores(problem, factors.left, factors.right)
    own, shared = measurement_designs(problem.sensing, best.left, best.cores, best.right)
    scale = problem.scale[:, None]
    return own * scale, shared * scale, problem.residual(best)


def trimmed_share(kept: int, users: int, spare: float) -> float:
    """Mean of the smallest `kept` of `users` chi-square variables over that of all, with `spare` degrees of freedom.

    By the law of many users: what choosing the users with the smallest residuals does to the variance seen in them.
    """
    if kept >= users or spare <= 0:
        return 1.0
    share = kept / users
    bound = special.gammaincinv(spare / 2, share)
    return float(special.gammainc(spare / 2 + 1, bound) / share)


def mean_squares(problem: Problem, left: Float[AnyArray, "d1 r1"], right: Float[AnyArray, "d2 r2"]) -> np.ndarray:
    """Of each user the mean square of the spare part of its residual with its own best core, shape (num_users,)."""
    squares = np.asarray(_squares(problem, jnp.asarray(left), jnp.asarray(right)), float)
    counts = np.count_nonzero(np.asarray(problem.sample_weights), axis=1)
    return squares / np.maximum(counts - left.shape[1] * right.shape[1], 1)


@eqx.filter_jit
def _squares(problem: Problem, left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"]) -> Float[Array, " k"]:
    return jnp.sum(jnp.square(problem.residual(fit_cores(problem, left, right))), axis=1)

"""A fit that finds the users unlike the rest, sets them aside, and fits the others as if they were absent."""

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, PRNGKeyArray

from colora_theory.checks import OwnData
from colora_theory.display import Rows, Shown
from colora_theory.factors import Factors
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.restarts import solve_with_restarts
from colora_theory.robust.data import factors_of, problem_of
from colora_theory.robust.scores import UserScores, mean_squares, trimmed_share
from colora_theory.solution import Solution
from colora_theory.solve import solve
from colora_theory.solvers import AbstractSolver, VariableProjection
from colora_theory.starts import Near, Stacked, Turned

if TYPE_CHECKING:
    import pandas as pd

# Measurements over unknowns of a random subset of the users, from which an attempt begins.
_SUBSET_OVERSAMPLING = 1.5
# Concentrations of one attempt, and rounds of tests, at most.
_MOST_ROUNDS = 20
# Attempts whose losses differ by less than this share have met the same one; so many of them are enough.
_SAME = 1e-6
_AGREEING = 3
# Attempts of the last fit.
_LAST_ATTEMPTS = 5
_SOLVER = VariableProjection()


class RobustFit(Shown):
    """The fit of the users that were kept, and what was seen of each user.

    Attributes:
        solution: of the kept users, in their order.
        outliers: whether a user was set aside, shape (num_users,).
        score: of each user, what the loss grows by if it joins the others, over its measurements to spare and the
            variance of the noise, shape (num_users,): 1 on average for users whom the subspaces serve; NaN for users
            who have nothing to spare and cannot be tested.
        p_value: probability of a score at least as large for a user whom the subspaces serve, shape (num_users,).
        noise: standard deviation of a measurement of weight one, that of the kept users.
        threshold: users with a `p_value` below were set aside: the level over the number of users.
        most: how many users could be set aside.
    """

    solution: Solution
    outliers: Bool[np.ndarray, " k"]
    score: Float[np.ndarray, " k"]
    p_value: Float[np.ndarray, " k"]
    noise: float = eqx.field(static=True)
    threshold: float = eqx.field(static=True)
    most: int = eqx.field(static=True)

    @property
    def weights(self) -> Float[np.ndarray, "k d1 d2"]:
        """The W_i of all users, the frozen weight included; NaN for those set aside, who share nothing with the rest.

        What they are can be asked of their own data alone, as with `structures.Alone`.
        """
        kept = np.asarray(self.solution.weights)
        weights = np.full((len(self.outliers), *kept.shape[1:]), np.nan, kept.dtype)
        weights[~self.outliers] = kept
        return weights

    def facts(self) -> Rows:
        return [
            ("set aside", f"{self.outliers.sum()} of {len(self.outliers)} users, at most {self.most}"),
            ("noise", f"{self.noise:.2e}"),
            *self.solution.facts(),
        ]

    def reasons(self) -> list[str]:
        """Of each user, why it was set aside or kept."""
        return [self._reason(user) for user in range(len(self.outliers))]

    def summary(self) -> str:
        """Who was set aside and why, one line for each; then how the fit of the others ended."""
        aside = [f"user {user}: {self._reason(int(user))}" for user in np.flatnonzero(self.outliers)]
        doubtful = ~self.outliers & (self.p_value < self.threshold)
        bound = f"; {doubtful.sum()} more would have been, if the fraction allowed it" if doubtful.any() else ""
        head = f"{len(aside)} of {len(self.outliers)} users set aside{bound}"
        return "\n".join([head, *aside, f"the others: {self.solution.summary()}"])

    def to_frame(self, users: Sequence[object] | None = None) -> "pd.DataFrame":
        """One row for each user: its name, whether it is an outlier, score, p-value and the reason.

        Args:
            users: names, in the order of the data; numbers from 0 if left out.

        Raises:
            ValueError: for another number of names than of users.
        """
        import pandas as pd

        names = list(range(len(self.outliers))) if users is None else list(users)
        if len(names) != len(self.outliers):
            raise ValueError(f"{len(names)} names were given for {len(self.outliers)} users")
        columns = {"user": names, "outlier": self.outliers, "score": self.score, "p_value": self.p_value}
        return pd.DataFrame(columns | {"reason": self.reasons()})

    def _reason(self, user: int) -> str:
        if math.isnan(self.p_value[user]):
            return "kept untested: its core takes up all its measurements"
        seen = f"its residual in the subspaces of the others is {self.score[user]:.3g} times the variance of the noise"
        told = f"{seen} (p = {self.p_value[user]:.2g})"
        if not self.outliers[user]:
            return f"kept: {told}"
        return f"{told}, below {self.threshold:.2g}"


def fit(
    A: OwnData | Problem,
    y: OwnData | None = None,
    rank: int | tuple[int, int] | None = None,
    *,
    fraction: float = 0.3,
    level: float = 0.01,
    noise: float | None = None,
    attempts: int = 100,
    seed: int = 0,
    solver: AbstractSolver = _SOLVER,
) -> RobustFit:
    """Fits W_0 + U C_i V^T to the users whom such subspaces serve, and sets the others aside.

    Least trimmed squares with users as units (P. J. Rousseeuw and K. Van Driessen, Data Mining and Knowledge Discovery
    12, 2006): a fit to all users, and fits to random subsets of as few as determine the subspaces, are concentrated
    (refit to the users with the smallest residuals until these stay the same), and the least trimmed loss is taken once
    three attempts have met it. Then every user is tested, see `UserScores`: those whom the subspaces serve come back,
    the others leave, until nobody moves. CLAIR (arXiv 2605.21217) has the same aim; this is not its method.

    Works in the precision of the data and returns numpy arrays.

    Args:
        A: sensing matrices as in `colora_theory.fit`, or a `Problem`, which holds all the data.
        y: measurements, as there.
        rank: r, or (r1, r2).
        fraction: of the users, how many may be set aside at most; in [0, .5).
        level: probability with which anybody is set aside if all users are alike.
        noise: standard deviation of a measurement of weight one, taken as known; estimated if left out.
        attempts: of the trimmed fit, at most.
        seed: randomness of the subsets.
        solver: of every fit.

    Raises:
        TypeError: for bad data, no rank, or data beside a `Problem`.
        ValueError: for bad data, an impossible rank, a fraction outside [0, .5), a level outside (0, 1), a noise that
            is not positive, less than one attempt, or too few measurements if the largest fraction is set aside.
    """
    if rank is None:
        raise TypeError("rank is missing: an integer, or a pair of them")
    if not 0 <= fraction < 0.5:
        raise ValueError(f"fraction {fraction} is outside [0, .5): with half of the users unlike, nobody is the rest")
    if not 0 < level < 1:
        raise ValueError(f"level {level} is outside (0, 1)")
    if noise is not None and not (noise > 0 and math.isfinite(noise)):
        raise ValueError(f"noise {noise} is not a positive number: give a standard deviation, or leave it out")
    if attempts < 1:
        raise ValueError(f"attempts {attempts} is below 1")
    with precision_of(*((A.targets,) if isinstance(A, Problem) else (A, y))):
        problem = problem_of(A, y)
        fits = _Fits(problem, problem.check_rank(rank), solver)
        users = len(problem.targets)
        # A third of twelve users is four, whatever rounding says.
        most = math.floor(fraction * users * (1 + 1e-9))
        _check_rest(problem, fits.rank, users - most)
        factors, kept = _trim(fits, users - most, attempts, operator.index(seed))
        factors, kept = _test(fits, factors, kept, users - most, level / users, noise)
        solution = fits.settle(kept, factors)
        scores = UserScores.of(problem, factors_of(solution), kept, noise=noise)
        spare = np.sum(scores.spare[kept]) - fits.shared
        sigma = math.sqrt(np.sum(scores.squares[kept]) / spare) if spare > 0 else math.nan
        return RobustFit(
            _of_users(jax.tree.map(np.asarray, solution), kept),
            ~kept,
            scores.score,
            scores.p_value,
            sigma if noise is None else noise,
            level / users,
            most,
        )


class _Fits:
    """Fits to some of the users. All have the shapes of the whole problem: one program serves them."""

    def __init__(self, problem: Problem, rank: tuple[int, int], solver: AbstractSolver):
        self.problem, self.rank, self.solver = problem, rank, solver
        _, *sizes = problem.sensing.weights_shape
        self.shared = sum(each * (size - each) for each, size in zip(rank, sizes, strict=True))
        self.counts = np.count_nonzero(np.asarray(problem.sample_weights), axis=1)

    def only(self, kept: Bool[np.ndarray, " k"]) -> Problem:
        weights = self.problem.sample_weights * jnp.asarray(kept, self.problem.targets.dtype)[:, None]
        return Problem(self.problem.sensing, self.problem.targets, weights, self.problem.offset)

    def afresh(self, kept: Bool[np.ndarray, " k"]) -> Factors:
        return factors_of(solve(self.only(kept), self.solver, Stacked(), self.rank))

    def again(self, kept: Bool[np.ndarray, " k"], factors: Factors) -> Factors:
        return factors_of(solve(self.only(kept), self.solver, Near(factors), self.rank))

    def settle(self, kept: Bool[np.ndarray, " k"], factors: Factors) -> Solution:
        starts = (Near(factors), Stacked(), Turned(Stacked()))
        return solve_with_restarts(self.only(kept), self.solver, starts, self.rank, attempts=_LAST_ATTEMPTS)

    def subset(self, key: PRNGKeyArray, at_least: int) -> Bool[np.ndarray, " k"]:
        """Random users whose measurements exceed the unknowns of the subspaces."""
        order = np.asarray(jax.random.permutation(key, len(self.counts)))
        told = np.cumsum(np.maximum(self.counts[order] - self.rank[0] * self.rank[1], 0))
        count = max(at_least, int(np.searchsorted(told, _SUBSET_OVERSAMPLING * self.shared)) + 1)
        return np.isin(np.arange(len(order)), order[:count])


def _trim(fits: _Fits, size: int, attempts: int, seed: int) -> tuple[Factors, Bool[np.ndarray, " k"]]:
    """The fit with the least trimmed loss, and its users."""
    users = len(fits.counts)
    spanning = max(2, -(-fits.rank[0] // fits.rank[1]), -(-fits.rank[1] // fits.rank[0]))
    best, least, met = None, math.inf, 0
    for attempt, key in enumerate(jax.random.split(jax.random.key(seed), attempts)):
        chosen = fits.subset(key, spanning) if attempt else np.ones(users, bool)
        factors, kept, loss = _concentrate(fits, chosen, size)
        met = met + 1 if abs(loss - least) <= _SAME * least else 1 if loss < least else met
        if best is None or loss < least:
            best, least = (factors, kept), loss
        if met == _AGREEING or size == users:
            break
    assert best is not None
    return best


def _concentrate(
    fits: _Fits, chosen: Bool[np.ndarray, " k"], size: int
) -> tuple[Factors, Bool[np.ndarray, " k"], float]:
    """Refits to the users with the smallest residuals, until they stay the same."""
    factors, kept = fits.afresh(chosen), chosen
    for _ in range(_MOST_ROUNDS):
        squares = mean_squares(fits.problem, factors.left, factors.right)
        smallest = _smallest(squares, size)
        if np.array_equal(smallest, kept):
            break
        factors, kept = fits.again(smallest, factors), smallest
    return factors, kept, float(np.sum(mean_squares(fits.problem, factors.left, factors.right)[kept]))


def _smallest(values: np.ndarray, size: int) -> Bool[np.ndarray, " k"]:
    chosen = np.zeros(len(values), bool)
    chosen[np.argsort(values, kind="stable")[:size]] = True
    return chosen


def _test(
    fits: _Fits, factors: Factors, kept: Bool[np.ndarray, " k"], size: int, threshold: float, noise: float | None
) -> tuple[Factors, Bool[np.ndarray, " k"]]:
    """Lets users come back and leave until nobody moves; `size` of them stay in any case."""
    spare = (np.sum(fits.counts[kept]) - fits.shared) / kept.sum() - fits.rank[0] * fits.rank[1]
    shrinkage = trimmed_share(int(kept.sum()), len(kept), spare)
    met: list[bytes] = []
    for _ in range(_MOST_ROUNDS):
        scores = UserScores.of(fits.problem, factors, kept, noise=noise, shrinkage=shrinkage)
        p_value = np.where(np.isnan(scores.p_value), 1.0, scores.p_value)
        # Those who were chosen have the smallest residuals: at first nobody leaves.
        serves = (p_value >= threshold) | (kept if shrinkage < 1 else False)
        if serves.sum() < size:
            serves = _smallest(np.where(np.isnan(scores.score), 0.0, scores.score), size)
        settled = shrinkage == 1 and np.array_equal(serves, kept)
        met.append(serves.tobytes())
        shrinkage = 1.0
        if settled or met.count(met[-1]) > 2:
            break
        if not np.array_equal(serves, kept):
            factors, kept = fits.again(serves, factors), serves
    return factors, kept


def _check_rest(problem: Problem, rank: tuple[int, int], size: int) -> None:
    """That any `size` users determine the model."""
    users, *sizes = problem.sensing.weights_shape
    counts = np.sort(np.count_nonzero(np.asarray(problem.sample_weights), axis=1))[:size].sum()
    unknowns = sum(each * (length - each) for each, length in zip(rank, sizes, strict=True)) + size * rank[0] * rank[1]
    if counts <= unknowns:
        raise ValueError(
            f"with {users - size} of {users} users set aside, {counts} measurements are left for the {unknowns} "
            f"unknowns of the other {size}: take more samples, a lower rank or a smaller fraction"
        )


def _of_users(solution: Solution, kept: Bool[np.ndarray, " k"]) -> Solution:
    return eqx.tree_at(lambda each: each.factors.cores, solution, factors_of(solution).cores[kept])

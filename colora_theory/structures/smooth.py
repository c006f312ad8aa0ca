"""Both subspaces shared, the cores a smooth function of a known number."""

import collections
import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import check_rank
from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.problem import Problem
from colora_theory.structures.base import AbstractStructure, Parameters, Shape
from colora_theory.structures.unfolding import shared_subspaces

# Of data that fit, a test of equal times fails so often.
_UNLIKELY = 1e-3


class Smooth(AbstractStructure):
    """W_i = U C(t_i) V^T, with C(t) a polynomial: continuous low-rank adaptation (Berman and Peherstorfer 2024).

    r1 (d1 - r1) + r2 (d2 - r2) + q r1 r2 degrees of freedom: the number of users no longer counts. The polynomials are
    Chebyshev's on [min t, max t]. Parameters: `left` (d1, r1), `coefficients` (q, r1, r2), `right` (d2, r2).

    Attributes:
        rank: (r1, r2).
        times: t_i, of every user, in any unit.
        num_terms: q, the degree of the polynomial plus one.
    """

    rank: tuple[int, int] = eqx.field(static=True)
    times: tuple[float, ...] = eqx.field(static=True)
    num_terms: int = eqx.field(static=True)

    def __init__(self, rank: tuple[int, int], times: Sequence[float], num_terms: int):
        """See the class.

        Raises:
            ValueError: for a time that is not finite, or more terms than different times.
        """
        self.rank, self.times, self.num_terms = rank, tuple(map(float, times)), num_terms
        for user, time in enumerate(self.times):
            if not math.isfinite(time):
                raise ValueError(f"the time of user {user} is {time}: times must be finite")
        different = len(set(self.times))
        if not 1 <= num_terms <= different:
            raise ValueError(f"num_terms {num_terms} is not in 1 .. {different}, the number of different times")

    def basis(self, times: Sequence[float] | np.ndarray) -> Float[np.ndarray, "k q"]:
        """The polynomials at given times."""
        low, high = min(self.times), max(self.times)
        half = (high - low) / 2 or 1.0
        return np.polynomial.chebyshev.chebvander((np.asarray(times, float) - low) / half - 1, self.num_terms - 1)

    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        return self.predict(parameters, self.times)

    def predict(self, parameters: Parameters, times: Sequence[float]) -> Float[AnyArray, "m d1 d2"]:
        """The weights at other times, shape (m, num_rows, num_cols); outside [min t, max t] this extrapolates."""
        coefficients = parameters["coefficients"]
        basis = jnp.asarray(self.basis(times), coefficients.dtype)
        cores = contract("kq,qrs->krs", basis, coefficients)
        return contract("ar,krs,bs->kab", parameters["left"], cores, parameters["right"])

    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        self.check(shape)
        left_key, core_key, right_key = jax.random.split(key, 3)
        return {
            "left": random_subspace(left_key, shape[1], self.rank[0]),
            "coefficients": jax.random.normal(core_key, (self.num_terms, *self.rank)),
            "right": random_subspace(right_key, shape[2], self.rank[1]),
        }

    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        # Only what is smooth in the weights is looked at: the rest is noise.
        inverse = jnp.asarray(np.linalg.pinv(self.basis(self.times)), weights.dtype)
        terms = contract("qk,kab->qab", inverse, weights)
        left, right = shared_subspaces(terms, self.rank)
        return {"left": left, "coefficients": contract("ar,qab,bs->qrs", left, terms, right), "right": right}

    def check(self, shape: Shape) -> None:
        if shape[0] != len(self.times):
            raise ValueError(f"{len(self.times)} times were given for {shape[0]} users")
        check_rank(self.rank, self.num_terms, *shape[1:])

    def degrees_of_freedom(self, shape: Shape) -> int:
        self.check(shape)
        (_, num_rows, num_cols), (r1, r2) = shape, self.rank
        return r1 * (num_rows - r1) + r2 * (num_cols - r2) + self.num_terms * r1 * r2

    def doubts(self, problem: Problem, parameters: Parameters) -> tuple[str, ...]:
        """Users of equal times whose data want different cores, by an F test at 1 in 1000 for all of them together."""
        groups = [
            [user for user, time in enumerate(self.times) if time == each]
            for each, count in collections.Counter(self.times).items()
            if count > 1
        ]
        if not groups:
            return ()
        predicted = problem.scale * problem.sensing(jnp.asarray(self.compose(parameters)))
        residual = np.asarray(problem.scaled_targets - predicted, float)
        designs = self._core_designs(problem, parameters)
        left = sum(_left(designs[user], residual[user]) for user in range(len(residual)))
        measurements = int(np.count_nonzero(np.asarray(problem.sample_weights)))
        spare = measurements - self.degrees_of_freedom(problem.sensing.weights_shape) - designs[:, 0].size
        floor = np.finfo(residual.dtype).eps * float(np.sum(np.square(problem.scaled_targets)))
        found = []
        for users in groups:
            together = _left(np.concatenate(designs[users]), np.concatenate(residual[users]))
            gained = together - sum(_left(designs[user], residual[user]) for user in users)
            own = (len(users) - 1) * designs.shape[2]
            noise = max(left, floor) / max(spare, 1)
            if scipy.stats.f.sf(gained / own / noise, own, max(spare, 1)) < _UNLIKELY / len(groups):
                names = ", ".join(map(str, users))
                found.append(
                    f"users {names} have one time, {self.times[users[0]]:g}, but their data want different cores"
                )
        return tuple(found)

    def _core_designs(self, problem: Problem, parameters: Parameters) -> Float[np.ndarray, "k n s"]:
        """What each user's measurements see of a change of its core in the fitted subspaces."""
        left, right = (np.asarray(parameters[name], float) for name in ("left", "right"))
        units = np.einsum("ar,bs->rsab", left, right).reshape(-1, len(left), len(right))
        users = len(self.times)
        seen = [problem.scale * problem.sensing(jnp.asarray(np.repeat(unit[None], users, axis=0))) for unit in units]
        return np.stack([np.asarray(each, float) for each in seen], axis=2)


def _left(design: Float[np.ndarray, "n s"], residual: Float[np.ndarray, " n"]) -> float:
    """The sum of squares that least squares leaves."""
    change, *_ = np.linalg.lstsq(design, residual)
    return float(np.sum(np.square(residual - design @ change)))

"""Both subspaces shared, the cores a smooth function of a known number."""

import math
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import check_rank
from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.structures.base import AbstractStructure, Parameters, Shape
from colora_theory.structures.unfolding import shared_subspaces


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

"""A spectral start that weighs what the tasks share against what sets them apart."""

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import contract, safe_divide, top_eigenvectors
from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart


class Weighted(AbstractStart):
    """Pooled and stacked start in one, weighed by the similarity that the moments show.

    The moment matrices M_i, each divided by the standard deviation of its entries, are turned over the users into their
    sum over sqrt(k) and their deviations from the mean: noise of unit variance everywhere, but signals of different
    strength. What a part has more energy than noise explains is its signal; with lambda of it in one direction, its
    share in the sum of Gram matrices is lambda / (lambda + d), d being the energy of the noise there (the weights of
    optimally weighted principal components, Hong, Yang, Fessler and Balzano 2023). With equal tasks this is the pooled
    start, with independent ones the stacked start with users of equal noise.
    """

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        moments = problem.moments()
        num_users, d1, d2 = moments.shape
        totals = jnp.sum(problem.sample_weights, axis=1)
        # Of a mean of n terms y A whose entries have a mean square of E y^2 over the factor.
        size = jnp.linalg.norm(problem.sample_weights * problem.targets, axis=1)
        deviation = safe_divide(problem.sensing.moment_factor**0.5 * size, totals)
        unit = safe_divide(moments, jnp.broadcast_to(deviation[:, None, None], moments.shape))
        mean = jnp.mean(unit, axis=0)
        apart = unit - mean[None]
        parts = ((jnp.sqrt(num_users) * mean)[None], 1), (apart, max(num_users - 1, 1))
        signals = [jnp.maximum(jnp.sum(jnp.square(part)) / count - d1 * d2, 0.0) for part, count in parts]

        def gram(subscripts: str, rank: int, noise: int) -> Float[Array, "d d"]:
            strengths = [signal / rank for signal in signals]
            shares = [strength / (strength + noise) for strength in strengths]
            # Where the noise hides both, the parts count alike.
            nothing = shares[0] + shares[1] == 0
            grams = [contract(subscripts, part, part) for part, _ in parts]
            first, second = (jnp.where(nothing, 1.0, share) * each for share, each in zip(shares, grams, strict=True))
            return first + second

        left, right = gram("kab,kcb->ac", rank[0], d2), gram("kab,kac->bc", rank[1], d1)
        return top_eigenvectors(left, rank[0]), top_eigenvectors(right, rank[1])

"""The stacked spectral start for designs whose covariances differ between users."""

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.linalg import contract, symmetric_roots
from colora_theory.problem import Problem
from colora_theory.starts.base import AbstractStart
from colora_theory.starts.stacked import stacked_directions
from colora_theory.whitening import side_covariances


class Corrected(AbstractStart):
    """As `Stacked`, of the corrected moments S_r,i^(-1) M_i S_c,i^(-1).

    The moment matrix M_i is unbiased for S_r,i W_i S_c,i where the design of user i has covariance S_r,i (x) S_c,i, so
    that users with covariances of their own seem to have subspaces of their own. The covariances are estimated from
    each user's design (`side_covariances`). The correction costs noise where a design hardly looks. One covariance for
    all users is better met by `whiten`, which helps the steps, too. In the manner of the feature whitening of Zhang,
    Toso, Anderson and Matni (arXiv 2308.04428).
    """

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        rows, cols = jax.vmap(side_covariances)(problem.split_users())
        moments = problem.moments()
        if rows is not None:
            moments = contract("kab,kbc->kac", _inverses(rows), moments)
        moments = contract("kab,kbc->kac", moments, _inverses(cols))
        return stacked_directions(moments, rank)


def _inverses(covariances: Float[Array, "k d d"]) -> Float[Array, "k d d"]:
    _, roots = jax.vmap(symmetric_roots)(covariances)
    return contract("kab,kbc->kac", roots, roots)

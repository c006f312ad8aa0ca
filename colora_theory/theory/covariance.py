"""The covariance of a least-squares fit, to first order in the noise."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.precision import floats_of
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractSensing
from colora_theory.theory.tangent import TangentGram, is_singular


@dataclasses.dataclass(frozen=True)
class FactorCovariance:
    """Covariances of the errors dC_i, dU and dV of a fit, with dU orthogonal to U and dV to V.

    sigma^2 (J^T J)^-1 on the tangent space, block by block; m = d1 r1 + d2 r2. Exact for a linear model, and to first
    order in the noise for this one.

    Attributes:
        left: orthonormal U, shape (d1, r1).
        cores: C_i that go with it, shape (num_users, r1, r2).
        right: orthonormal V, shape (d2, r2).
        own: of the entries of each dC_i, row-major, shape (num_users, r1 r2, r1 r2).
        coupling: of dC_i with the entries of dU^T and dV^T, row-major, shape (num_users, r1 r2, m).
        shared: of the entries of dU^T and dV^T, shape (m, m).
        determined: of each user, whether the data determine its weights, shape (num_users,); where they do not, its
            variances are infinite.
    """

    left: np.ndarray
    cores: np.ndarray
    right: np.ndarray
    own: np.ndarray
    coupling: np.ndarray
    shared: np.ndarray
    determined: np.ndarray

    @classmethod
    def at(cls, problem: Problem, factors: Factors, noise: float | np.ndarray) -> "FactorCovariance":
        """The covariance at given factors, with the cores eliminated block by block.

        Takes the passes of `TangentGram.at` (twice with noise user by user), O(k p q^2 + m q^2) operations and m^2 +
        k p m floats, with p = r1 r2 and q = r1 (d1 - r1) + r2 (d2 - r2).

        Args:
            problem: the data; only the design and the weights matter.
            factors: where it is taken.
            noise: standard deviation of a measurement of weight one, or one for each user, shape (num_users,). The
                weights of a fit are then not the best ones, which the covariance takes into account.

        Raises:
            TypeError, ValueError: see `TangentGram.at`.
        """
        gram = TangentGram.at(problem, factors)
        num_users = len(gram.own)
        variances = np.broadcast_to(np.square(np.asarray(noise, float)), (num_users,))
        reduced, inverse = gram.reduced()
        hopeless = is_singular(reduced)
        bread = np.zeros_like(reduced) if hopeless else np.linalg.inv(reduced)
        if np.ndim(noise):
            relative = variances / max(float(variances.max()), np.finfo(float).tiny)
            weights = problem.sample_weights * jnp.asarray(relative[:, None], problem.sample_weights.dtype)
            noisy = Problem(problem.sensing, problem.targets, weights, problem.offset)
            covariance = variances.max() * bread @ TangentGram.at(noisy, factors).reduced()[0] @ bread
        else:
            covariance = variances[0] * bread
        passed = inverse @ gram.coupling
        own = variances[:, None, None] * inverse + passed @ covariance @ np.swapaxes(passed, 1, 2)
        half = gram.expand(covariance)
        left, _, right, _ = gram.bases
        determined = np.zeros(num_users, bool) if hopeless else ~gram.unseen()
        shared = gram.expand(half.T)
        return cls(left, gram.cores, right, own, -(passed @ half.T), (shared + shared.T) / 2, determined)

    @property
    def left_block(self) -> np.ndarray:
        """Of the entries of dU^T, shape (r1, d1, r1, d1)."""
        d1, r1 = self.left.shape
        return self.shared[: d1 * r1, : d1 * r1].reshape(r1, d1, r1, d1)

    @property
    def right_block(self) -> np.ndarray:
        """Of the entries of dV^T, shape (r2, d2, r2, d2)."""
        (d2, r2), size = self.right.shape, self.left.size
        return self.shared[size:, size:].reshape(r2, d2, r2, d2)

    def squared_errors(self) -> np.ndarray:
        """E ||dW_i||_F^2 of each user, shape (num_users,)."""
        by_left = np.einsum("paqa->pq", self.left_block)
        by_right = np.einsum("pbqb->pq", self.right_block)
        sums = (
            np.einsum("kpp->k", self.own)
            + np.einsum("pq,kps,kqs->k", by_left, self.cores, self.cores, optimize=True)
            + np.einsum("pq,ksp,ksq->k", by_right, self.cores, self.cores, optimize=True)
        )
        return np.where(self.determined, sums, np.inf)

    def weights(self) -> np.ndarray:
        """Variances of the entries of every W_i, shape (num_users, d1, d2).

        O(d1 d2 r1 r2) operations for each user, and as many floats as W_i.
        """
        of_left = np.einsum("paqa->apq", self.left_block)
        of_right = np.einsum("pbqb->bpq", self.right_block)
        (d1, r1), (d2, r2), size = self.left.shape, self.right.shape, self.left.size
        across = self.shared[:size, size:].reshape(r1, d1, r2, d2)
        variances = np.empty((len(self.cores), d1, d2))
        for user, core in enumerate(self.cores):
            # dW_ab = dU_a . (C V_b) + (U_a C) . dV_b + U_a dC V_b: three terms and the products between them.
            by_left, by_right = core @ self.right.T, self.left @ core
            own = self.own[user].reshape(r1, r2, r1, r2)
            own_left, own_right = self.coupling[user][:, :size], self.coupling[user][:, size:]
            terms = (
                _sum("apq,pb,qb->ab", of_left, by_left, by_left)
                + _sum("bst,as,at->ab", of_right, by_right, by_right)
                + _sum("ar,bs,rspq,ap,bq->ab", self.left, self.right, own, self.left, self.right)
                + 2 * _sum("pasb,pb,as->ab", across, by_left, by_right)
                + 2 * _sum("ar,bs,rspa,pb->ab", self.left, self.right, own_left.reshape(r1, r2, r1, d1), by_left)
                + 2 * _sum("ar,bs,rstb,at->ab", self.left, self.right, own_right.reshape(r1, r2, r2, d2), by_right)
            )
            variances[user] = terms
        return np.where(self.determined[:, None, None], np.maximum(variances, 0), np.inf)

    def measurements(self, sensing: AbstractSensing) -> np.ndarray:
        """Variances of <A, W_i> for an operator of the same users, the noise of new measurements not included.

        O(m^2) operations for each measurement, and m floats.

        Returns:
            Shape (num_users, num_samples).
        """
        own, shared = self.designs(sensing)
        variances = np.stack(
            [
                np.sum(mine * (self.own[user] @ mine + 2 * (self.coupling[user] @ ours)), axis=0)
                + np.sum(ours * (self.shared @ ours), axis=0)
                for user, (mine, ours) in enumerate(zip(own, shared, strict=True))
            ]
        )
        return np.where(self.determined[:, None], np.maximum(variances, 0), np.inf)

    def designs(self, sensing: AbstractSensing) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the measurements by the cores, (num_users, p, n), and by dU^T and dV^T, (num_users, m, n)."""
        parts = (jnp.asarray(part, floats_of(sensing)) for part in (self.left, self.cores, self.right))
        own, shared = measurement_designs(sensing, *parts)
        return np.asarray(own, float), np.asarray(shared, float)


@eqx.filter_jit
def measurement_designs(
    sensing: AbstractSensing,
    left: Float[Array, "d1 r1"],
    cores: Float[Array, "k r1 r2"],
    right: Float[Array, "d2 r2"],
) -> tuple[Float[Array, "k p n"], Float[Array, "k m n"]]:
    """Derivatives of unweighted measurements by the cores, and by the entries of U^T and V^T, row-major."""
    scale = jnp.ones((sensing.weights_shape[0], sensing.num_samples), left.dtype)
    at_right, at_left = sensing.restrict_both(left, right, scale)
    shared = jnp.concatenate([at_right.factor_design(cores), at_left.factor_design(cores.mT)])
    return jnp.moveaxis(at_right.core_design(left), 1, 0), jnp.moveaxis(shared, 1, 0)


def _sum(subscripts: str, *operands: np.ndarray) -> np.ndarray:
    total: np.ndarray = np.einsum(subscripts, *operands, optimize=True)
    return total

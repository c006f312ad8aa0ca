"""The Cramer-Rao bound of the drawn design."""

import dataclasses

import numpy as np

from colora_theory.factors import AbstractFactors
from colora_theory.problem import Problem
from colora_theory.theory.shares import energy_shares
from colora_theory.theory.tangent import TangentGram, is_singular


@dataclasses.dataclass(frozen=True)
class CramerRao:
    """Smallest expected squared errors of unbiased estimates.

    Attributes:
        per_user: bound on E ||W^_i - W_i||_F^2 of each user, shape (num_users,).
    """

    per_user: np.ndarray

    @property
    def total(self) -> float:
        """The sum over users."""
        return float(np.sum(self.per_user))

    @property
    def mean(self) -> float:
        """The mean over users, the bound on the mean squared error."""
        return float(np.mean(self.per_user))


def cramer_rao(problem: Problem, truth: AbstractFactors, noise: float) -> CramerRao:
    """sigma^2 tr((J^T J)^-1) on the tangent space at the truth, split by user.

    Exact for the design given, asymptotically reached by least squares as sigma -> 0. Infinite where the data leave a
    direction unseen: for a user whose own core is not determined, and for all if the subspaces are not.

    Args:
        problem: the data; only the design and the weights matter.
        truth: where the bound is taken.
        noise: sigma, standard deviation of a measurement of weight one.

    Raises:
        TypeError, ValueError: see `TangentGram.at`, and for a negative noise.
    """
    if noise < 0:
        raise ValueError(f"noise {noise} is below 0")
    gram = TangentGram.at(problem, truth)
    num_users = len(gram.own)
    if noise == 0:
        return CramerRao(np.zeros(num_users))
    reduced, inverse = gram.reduced()
    if is_singular(reduced):
        return CramerRao(np.full(num_users, np.inf))
    covariance = np.linalg.inv(reduced)
    passed = inverse @ gram.coupling
    own = np.trace(inverse, axis1=1, axis2=2) + np.einsum("kpq,qw,kpw->k", passed, covariance, passed, optimize=True)
    bound = noise**2 * (own + _shared_part(gram, covariance))
    return CramerRao(np.where(gram.unseen(), np.inf, bound))


def _shared_part(gram: TangentGram, covariance: np.ndarray) -> np.ndarray:
    """Expected squared length of dU C_i V^T + U C_i dV^T of each user, for a covariance of the shared coordinates."""
    parts = []
    for side, cores in (
        (slice(0, gram.left_size), gram.cores),
        (slice(gram.left_size, None), np.swapaxes(gram.cores, 1, 2)),
    ):
        rank = cores.shape[1]
        block = covariance[side, side]
        if not len(block):
            parts.append(np.zeros(len(cores)))
            continue
        per_entry = np.einsum("paqa->pq", block.reshape(rank, len(block) // rank, rank, -1))
        parts.append(np.einsum("pq,kpq->k", per_entry, energy_shares(cores)))
    return parts[0] + parts[1]

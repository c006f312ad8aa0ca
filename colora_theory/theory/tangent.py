"""The tangent space at a truth, and the Gram matrix of the measurements on it."""

import dataclasses
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.factors import AbstractFactors, Factors
from colora_theory.linalg import contract, symmetric_roots
from colora_theory.problem import Problem
from colora_theory.sensing import own_normal
from colora_theory.theory.counting import identifiability_rank

# Relative to the largest: eigenvalues below are zero. Well above rounding, well below what an isometry constant is.
_SINGULAR = 1e-10


@dataclasses.dataclass(frozen=True)
class TangentGram:
    """J^T J, with J the derivative of the scaled measurements along the tangent space T at (U, C_1 .. C_k, V).

    In orthonormal coordinates of T = {U dC_i V^T + dU C_i V^T + U C_i dV^T : dU orthogonal to U, dV to V}: the entries
    of the dC_i, row-major, then those of P and R, where dU = U' P^T G^(-1/2) and dV = V' R^T H^(-1/2) for orthonormal
    bases U', V' of the complements, G = sum_i C_i C_i^T and H = sum_i C_i^T C_i. The three parts of T are orthogonal to
    each other, so the length of the coordinates is the Frobenius norm of the tangent vector over all users.

    Attributes:
        cores: the cores that go with orthonormal U and V, shape (num_users, r1, r2).
        own: block of each user's core, shape (num_users, r1 r2, r1 r2).
        coupling: of each user's core with the shared coordinates, shape (num_users, r1 r2, q).
        shared: block of P (r1 x (d1 - r1)) and R (r2 x (d2 - r2)), row-major, shape (q, q).
        left_size: r1 (d1 - r1), how many of the shared coordinates are those of P.
        bases: orthonormal U (d1, r1), U' (d1, d1 - r1), V (d2, r2) and V' (d2, d2 - r2) of these coordinates.
    """

    cores: np.ndarray
    own: np.ndarray
    coupling: np.ndarray
    shared: np.ndarray
    left_size: int
    bases: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def at(cls, problem: Problem, truth: AbstractFactors) -> "TangentGram":
        """The Gram matrix at a truth.

        Costs one pass over the data for each factor; the largest array made is that of the derivatives by U and V,
        (d1 r1 + d2 r2) x N, unless the structure of the operator avoids it.

        Raises:
            TypeError: if the subspaces of the truth are not shared.
            ValueError: if the stacked cores are rank deficient: such a truth is no regular point, and has no tangent
                space of the dimension that counting says.
        """
        if not isinstance(truth, Factors):
            raise TypeError(f"the truth is {type(truth).__name__}: a tangent space needs shared subspaces, Factors")
        ranks = identifiability_rank(np.asarray(truth.orthonormalize().cores))
        if ranks != truth.rank:
            raise ValueError(
                f"the stacked cores have ranks {ranks}, not {truth.rank}: the subspaces are not identifiable"
            )
        cores, own, coupling, shared, *bases = (np.asarray(part, float) for part in _gram(problem, truth))
        left, left_outside, right, right_outside = bases
        in_left = left.shape[1] * left_outside.shape[1]
        return cls(cores, own, coupling, shared, in_left, (left, left_outside, right, right_outside))

    @property
    def dimension(self) -> int:
        """DoF, the dimension of T."""
        return self.own.shape[0] * self.own.shape[1] + len(self.shared)

    def dense(self) -> np.ndarray:
        """The whole matrix, shape (DoF, DoF)."""
        return self.apply(np.eye(self.dimension))

    def split(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The coordinates of the cores, (num_users, r1 r2, m), and the shared ones, (q, m), of (DoF, m)."""
        num_users, size, _ = self.own.shape
        return vectors[: num_users * size].reshape(num_users, size, -1), vectors[num_users * size :]

    def join(self, own: np.ndarray, shared: np.ndarray) -> np.ndarray:
        """The inverse of `split`."""
        return np.concatenate([own.reshape(-1, shared.shape[1]), shared])

    def apply(self, vectors: np.ndarray) -> np.ndarray:
        """Products with the columns of a (DoF, m) array, block by block."""
        own, shared = self.split(vectors)
        return self.join(
            self.own @ own + self.coupling @ shared,
            np.einsum("kpq,kpm->qm", self.coupling, own, optimize=True) + self.shared @ shared,
        )

    def expand(self, shared: np.ndarray) -> np.ndarray:
        """The entries of dU^T and dV^T, row-major and one after the other, of shared coordinates (q, m).

        Returns:
            Shape (d1 r1 + d2 r2, m).
        """
        _, left_outside, _, right_outside = self.bases
        parts = []
        for outside, cores, coordinates in (
            (left_outside, self.cores, shared[: self.left_size]),
            (right_outside, np.swapaxes(self.cores, 1, 2), shared[self.left_size :]),
        ):
            values, vectors = np.linalg.eigh(np.einsum("krs,kqs->rq", cores, cores))
            shrink = (vectors / np.sqrt(values)) @ vectors.T
            changes = coordinates.reshape(cores.shape[1], outside.shape[1], -1)
            whole = np.einsum("rq,ab,qbm->ram", shrink, outside, changes, optimize=True)
            parts.append(whole.reshape(-1, shared.shape[1]))
        return np.concatenate(parts)

    def reduced(self) -> tuple[np.ndarray, np.ndarray]:
        """The Schur complement of the shared block, the cores eliminated, and pseudo-inverses of the cores' blocks."""
        inverse = np.linalg.pinv(self.own, rcond=_SINGULAR, hermitian=True)
        explained = np.einsum("kpq,kpw->qw", self.coupling, inverse @ self.coupling, optimize=True)
        return self.shared - explained, inverse

    def unseen(self) -> np.ndarray:
        """Of each user: whether some direction of its core, the subspaces being known, is not measured."""
        values = np.linalg.eigvalsh(self.own)
        return values[:, 0] <= _SINGULAR * max(float(values.max(initial=0.0)), math.ulp(0.0))


def is_singular(matrix: np.ndarray) -> bool:
    """Whether a positive semidefinite matrix has a zero eigenvalue, up to rounding; one without rows has none."""
    if not len(matrix):
        return False
    values = np.linalg.eigvalsh(matrix)
    return bool(values[0] <= _SINGULAR * max(float(values[-1]), math.ulp(0.0)))


@eqx.filter_jit
def _gram(problem: Problem, truth: Factors) -> tuple[Float[Array, "..."], ...]:
    """The arrays of a `TangentGram` in the order of its fields, then its bases one by one."""
    factors = truth.orthonormalize()
    cores = factors.cores
    at_right, at_left = problem.restrict_both(factors.left, factors.right)
    own = at_right.core_design(factors.left)
    _, left_scale = symmetric_roots(contract("krs,kqs->rq", cores, cores))
    _, right_scale = symmetric_roots(contract("krs,krq->sq", cores, cores))
    nothing = jnp.zeros_like(problem.targets)
    joint = at_right.joint_system(
        at_left,
        own,
        nothing,
        contract("rq,kqs->krs", left_scale, cores),
        contract("sq,krq->ksr", right_scale, cores),
    )
    left_outside, right_outside = _complement(factors.left), _complement(factors.right)
    across = jax.scipy.linalg.block_diag(
        *(
            # Transposed factors, in row-major order, whose rows are orthogonal to the present ones: one in each column.
            jnp.kron(jnp.eye(rank, dtype=outside.dtype), outside)
            for rank, outside in zip(factors.rank, (left_outside, right_outside), strict=True)
        )
    )
    coupling = contract("kpm,mq->kpq", joint.coupling, across)
    shared = contract("mq,mn,nw->qw", across, joint.normal, across)
    bases = factors.left, left_outside, factors.right, right_outside
    return cores, own_normal(own, nothing).normal, coupling, shared, *bases


def _complement(basis: Float[Array, "d r"]) -> Float[Array, "d c"]:
    """An orthonormal basis of what is orthogonal to a subspace."""
    return jnp.linalg.qr(basis, mode="complete")[0][:, basis.shape[1] :]

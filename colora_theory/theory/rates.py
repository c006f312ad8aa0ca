"""How fast alternating minimization converges."""

import dataclasses

import numpy as np
import scipy.linalg
import scipy.sparse.linalg

from colora_theory.factors import AbstractFactors
from colora_theory.problem import Problem
from colora_theory.theory.tangent import TangentGram, is_singular

_BLOCKS = ("cores", "left", "right")
# Up to this dimension the whole iteration matrix is diagonalised; above, Arnoldi's method finds its largest eigenvalue.
_DENSE = 600
_ARNOLDI_TOL = 1e-4


def contraction_factor(
    problem: Problem,
    truth: AbstractFactors,
    *,
    order: tuple[str, ...] = _BLOCKS,
    resolve_cores: bool = False,
) -> float:
    """The factor by which a sweep of alternating minimization multiplies a small error, in the long run.

    The spectral radius of the sweep on the tangent space at the truth: one orthogonal projection (in the norm of the
    data) for each update, of the part of T that the block can reach; a factor also reaches the changes of the cores
    that a change of its basis makes. Exact for the data given, without noise; from data with noise it is the rate
    towards the estimate, up to terms of the order of the residual. 1 where the data leave a direction unseen.

    Args:
        problem: the data.
        truth: where the rate is taken.
        order: the blocks in the order of their updates.
        resolve_cores: whether the cores are solved again after each factor.

    Raises:
        TypeError, ValueError: see `TangentGram.at`, and for an order that is not one of the three blocks.
    """
    if sorted(order) != sorted(_BLOCKS):
        raise ValueError(f"order {order} is not one of the orders of {_BLOCKS}")
    gram = TangentGram.at(problem, truth)
    if gram.unseen().any() or is_singular(gram.reduced()[0]):
        return 1.0
    blocks: dict[str, _Cores | _Factor] = {
        "cores": _Cores.of(gram),
        "left": _Factor.of(gram, left=True),
        "right": _Factor.of(gram, left=False),
    }
    updates = [
        blocks[name]
        for block in order
        for name in ((block, "cores") if resolve_cores and block != "cores" else (block,))
    ]

    def sweep(errors: np.ndarray) -> np.ndarray:
        for update in updates:
            errors = errors - update.correction(gram.apply(errors))
        return errors

    size = gram.dimension
    if size <= _DENSE:
        return float(np.max(np.abs(np.linalg.eigvals(sweep(np.eye(size))))))
    operator = scipy.sparse.linalg.LinearOperator(
        (size, size), matvec=lambda error: sweep(error.reshape(-1, 1))[:, 0], dtype=float
    )
    first = np.random.default_rng(0).standard_normal(size)
    values = scipy.sparse.linalg.eigs(operator, 1, v0=first, tol=_ARNOLDI_TOL, return_eigenvectors=False)
    return float(np.abs(values[0]))


@dataclasses.dataclass(frozen=True)
class _Cores:
    """The exact update of all cores."""

    gram: TangentGram
    inverse: np.ndarray

    @classmethod
    def of(cls, gram: TangentGram) -> "_Cores":
        return cls(gram, np.linalg.inv(gram.own))

    def correction(self, gradient: np.ndarray) -> np.ndarray:
        own, shared = self.gram.split(gradient)
        return self.gram.join(self.inverse @ own, np.zeros_like(shared))


@dataclasses.dataclass(frozen=True)
class _Factor:
    """The exact update of U, or of V: its part of the shared coordinates, and a common change of all cores.

    Attributes:
        gram: of the tangent space.
        side: the place of the factor among the shared coordinates.
        turn: changes of the cores by an r x r change of basis, shape (num_users, r1 r2, r r).
        root: Cholesky factor of the block's normal matrix, as scipy has it.
    """

    gram: TangentGram
    side: slice
    turn: np.ndarray
    root: tuple[np.ndarray, bool]

    @classmethod
    def of(cls, gram: TangentGram, *, left: bool) -> "_Factor":
        _, r1, r2 = gram.cores.shape
        if left:
            # d vec(M C) / d vec(M) and, on the other side, d vec(C M) / d vec(M), all row-major.
            turn = np.stack([np.kron(np.eye(r1), core.T) for core in gram.cores])
            side = slice(0, gram.left_size)
        else:
            turn = np.stack([np.kron(core, np.eye(r2)) for core in gram.cores])
            side = slice(gram.left_size, len(gram.shared))
        among = np.einsum("kpm,kpq,kqw->mw", turn, gram.own, turn, optimize=True)
        across = np.einsum("kpm,kpq->mq", turn, gram.coupling[:, :, side], optimize=True)
        normal = np.block([[among, across], [across.T, gram.shared[side, side]]])
        return cls(gram, side, turn, scipy.linalg.cho_factor(normal))

    def correction(self, gradient: np.ndarray) -> np.ndarray:
        own, shared = self.gram.split(gradient)
        right_side = np.concatenate([np.einsum("kpm,kpv->mv", self.turn, own, optimize=True), shared[self.side]])
        change = scipy.linalg.cho_solve(self.root, right_side)
        count = self.turn.shape[2]
        moved = np.zeros_like(shared)
        moved[self.side] = change[count:]
        return self.gram.join(self.turn @ change[:count], moved)

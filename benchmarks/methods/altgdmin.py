"""torch: alternating gradient descent and minimization (AltGDmin; Nayer and Vaswani, arXiv 2102.10217).

Exact cores by batched Cholesky solves, a gradient step on U and V, QR. A step reads the data twice: A V as one matrix
product, and sum_j e_ij A_ij as k matrix-vector products.

Tuned on draws of their own (M1, condition numbers as drawn and 10): the length of the step. Steps to the end: 1/L, with
L by power iteration, 82 and more than 700 (two more passes over the data each); 1.9/L 38 and more than 700; the Cauchy
step (one more pass) 30 and 422; Barzilai and Borwein's two lengths in turn 20 and 233, with no further pass. The last
is kept; the first step is 1/L. Compiling was not tried further after Adam (see there).
"""

import numpy as np
import torch

from benchmarks.draws import Data, Factors
from benchmarks.methods.base import STOP, Recorder, Solve

_POWER_ITERATIONS = 5


class Model:
    """The least-squares cores at U and V, and what follows from them."""

    def __init__(self, data: Data) -> None:
        self.A, self.y = torch.from_numpy(data.A), torch.from_numpy(data.y)
        k, n, d1, d2 = self.A.shape
        self.rows = self.A.view(k, n, d1 * d2)
        self.shape, self.rank = (k, n, d1, d2), data.rank

    def fit(self, left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cores (k, r1, r2) and residuals (k, n)."""
        k, n, d1, d2 = self.shape
        at_right = (self.A.view(-1, d2) @ right).view(k, n, d1, -1)
        design = torch.einsum("knar,as->knsr", at_right, left).reshape(k, n, -1)
        right_side = design.mT @ self.y[:, :, None]
        cores = torch.cholesky_solve(right_side, torch.linalg.cholesky(design.mT @ design))
        return cores.view(k, *self.rank), self.y - (design @ cores)[:, :, 0]

    def descent(
        self, left: torch.Tensor, cores: torch.Tensor, right: torch.Tensor, residual: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """J^T times the residual for U and V: minus the gradient."""
        k, _, d1, d2 = self.shape
        moments = torch.bmm(residual[:, None, :], self.rows).view(k, d1, d2)
        return (
            torch.einsum("kas,krs->ar", moments @ right, cores),
            torch.einsum("kbr,krs->bs", moments.mT @ left, cores),
        )

    def curvature(self, left: torch.Tensor, cores: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """The largest eigenvalue of J^T J over U and V at fixed cores, nearly, by power iteration."""
        change = torch.ones_like(left), torch.ones_like(right)
        value = torch.ones(())
        for _ in range(_POWER_ITERATIONS):
            size = _square_norm(*change).sqrt()
            weights = (change[0] @ cores @ right.T + left @ cores @ change[1].T) / size
            measured = torch.bmm(self.rows, weights.view(len(cores), -1, 1))[:, :, 0]
            change = self.descent(left, cores, right, measured)
            value = _square_norm(*change).sqrt()
        return value


def prepare(data: Data) -> Solve:
    """A run of AltGDmin."""
    model = Model(data)
    stop = STOP * float(np.linalg.norm(data.y))

    def solve(recorder: Recorder) -> None:
        left, right = torch.from_numpy(data.start.left.copy()), torch.from_numpy(data.start.right.copy())
        before: tuple[torch.Tensor, ...] = ()
        while True:
            cores, residual = model.fit(left, right)
            recorder(Factors(left.numpy(), cores.numpy(), right.numpy()))
            if float(torch.linalg.norm(residual)) <= stop:
                return
            descent = [
                step - basis @ (basis.T @ step)
                for basis, step in zip((left, right), model.descent(left, cores, right, residual), strict=True)
            ]
            if before:
                moved = left - before[0], right - before[1]
                bent = before[2] - descent[0], before[3] - descent[1]
                overlap = torch.sum(moved[0] * bent[0]) + torch.sum(moved[1] * bent[1])
                # The long length and the short one in turn; a negative curvature turns neither around.
                odd = len(recorder.seconds) % 2
                length = _square_norm(*moved) / overlap if odd else overlap / _square_norm(*bent)
                length = length.abs()
            else:
                length = 1 / model.curvature(left, cores, right)
            before = left, right, *descent
            left, right = _orthonormal(left + length * descent[0]), _orthonormal(right + length * descent[1])

    return solve


def _square_norm(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    return torch.sum(left * left) + torch.sum(right * right)


def _orthonormal(matrix: torch.Tensor) -> torch.Tensor:
    """QR with a positive diagonal, so that successive bases can be compared entry by entry."""
    basis, triangle = torch.linalg.qr(matrix)
    return basis * torch.sign(torch.diagonal(triangle))

"""torch: Adam on the factored cost.

Tuned on draws of their own (M1, condition numbers as drawn, 10 and 100), lr from 0.1, 0.03, 0.01, 0.003, constant or
cosine over 3,000 steps, from factors balanced in every direction: lr 0.01 with cosine reaches 1e-6 on all three; 0.1 is
as quick on the first two and fails on the third; a constant rate ends in spikes, since without noise the second moments
decay to nothing. amsgrad, which keeps them from decaying, takes the spikes away.

The gradient is written by hand: two reads of the data, half the time of autograd. torch.compile was 1.6 times quicker
than autograd on M1, so no quicker than this, and cost 30 s and a C++ compiler.
"""

import numpy as np
import torch

from benchmarks.draws import Data, Factors
from benchmarks.methods.base import STOP, Recorder, Solve

_STEPS = 3000
_EVERY = 10  # steps between records, and looks at the residual


def prepare(data: Data, lr: float = 0.01) -> Solve:
    """A run of Adam."""
    A, y = torch.from_numpy(data.A), torch.from_numpy(data.y)
    k, n, d1, d2 = A.shape
    rows = A.view(k, n, d1 * d2)
    start = data.start.balance()
    stop = STOP * float(np.linalg.norm(data.y))

    @torch.no_grad()
    def solve(recorder: Recorder) -> None:
        blocks = [torch.nn.Parameter(torch.from_numpy(block.copy())) for block in start.blocks]
        left, cores, right = blocks
        optimizer = torch.optim.Adam(blocks, lr=lr, amsgrad=True, fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
        for step in range(_STEPS + 1):
            products = left @ cores
            residual = torch.bmm(rows, (products @ right.T).view(k, -1, 1))[:, :, 0] - y
            if step % _EVERY == 0:
                recorder.steps = step
                recorder(Factors(*(block.numpy() for block in blocks)))
                if float(torch.linalg.norm(residual)) <= stop:
                    return
            moments = torch.bmm(residual[:, None, :], rows).view(k, d1, d2)
            at_right = moments @ right
            left.grad = torch.einsum("kas,krs->ar", at_right, cores)
            cores.grad = left.T @ at_right
            right.grad = moments.view(-1, d2).T @ products.view(k * d1, -1)
            optimizer.step()
            schedule.step()

    return solve

"""tensorly: Tucker regression, all users as one regression on a tensor of shape (k, d1, d2).

Sample ij is a tensor that is A_ij in slice i and zero elsewhere, so the data grow by a factor k.

`default` is the package as it comes: rank (k, r1, r2), a random start, its ridge penalty of 1, at most 100 iterations.

`tuned` (on draws of their own, T and M1):

* rank (min(k, r1 r2), r1, r2): the same set of models, as the k cores span no more than r1 r2 dimensions. With rank
  (k, r1, r2) a block has directions that no sample sees: its system was singular on M1 at a penalty of 1e-8.
* penalty 1e-8, tolerance 1e-12 (on the relative change of the norm of the weights, as in the package).
* the start of all other methods. The package takes none, but it draws its first factors from a random state, and may be
  given one that returns what it is told. An iteration depends on the factors only, so iterations are done by calls of
  one each, with a look at the clock and the iterate between them.
"""

import os

import numpy as np
from tensorly.regression import TuckerRegressor

from benchmarks.draws import Data, Factors
from benchmarks.errors import NotPossibleError
from benchmarks.methods.base import Recorder, Solve

_TOLERANCE = 1e-12
_ITERATIONS = 100_000


class _Told(np.random.RandomState):
    """Returns given arrays where normal ones are asked for."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        super().__init__(0)
        self._arrays = list(arrays)

    def randn(self, *shape: int) -> np.ndarray:  # type: ignore[override]
        array = self._arrays.pop(0)
        if array.shape != shape:
            raise ValueError(f"the start has shape {array.shape}, {shape} is asked for")
        return array


def prepare(data: Data, tuned: bool) -> Solve:
    """A run of `TuckerRegressor`.

    Raises:
        NotPossibleError: if three copies of the tensors (the package unfolds them) do not fit into the free memory.
    """
    k, n, d1, d2 = data.A.shape
    needed, free = 3 * k * data.A.nbytes, os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > free:
        raise NotPossibleError(f"memory: {needed / 1e9:.0f} GB are needed, {free / 1e9:.0f} GB are free")
    by_user = np.zeros((k, n, k, d1, d2))
    for user in range(k):
        by_user[user, :, user] = data.A[user]
    tensors, y = by_user.reshape(k * n, k, d1, d2), data.y.ravel()

    def solve_default(recorder: Recorder) -> None:
        model = TuckerRegressor([k, *data.rank], random_state=0, verbose=0).fit(tensors, y)
        recorder.steps = model.n_iterations_
        recorder(_factors(*model.tucker_weight_))

    def solve_tuned(recorder: Recorder) -> None:
        r1, r2 = data.rank
        # All cores there are, or as many as the users span: their own.
        core = np.eye(r1 * r2).reshape(-1, r1, r2) if k > r1 * r2 else data.start.cores
        # The first block to be solved is that of the users, so of its start only the shape matters.
        blocks = [np.zeros((k, len(core))), data.start.left, data.start.right]
        recorder(data.start)
        before = 0.0
        for _ in range(_ITERATIONS):
            told = _Told([core, *blocks])
            model = TuckerRegressor(list(core.shape), reg_W=1e-8, n_iter_max=1, random_state=told, verbose=0)
            core, blocks = model.fit(tensors, y).tucker_weight_
            recorder(_factors(core, blocks))
            if abs(model.norm_W_[-1] - before) <= _TOLERANCE * model.norm_W_[-1]:
                return
            before = model.norm_W_[-1]

    return solve_tuned if tuned else solve_default


def _factors(core: np.ndarray, blocks: list[np.ndarray]) -> Factors:
    users, left, right = blocks
    return Factors(left, np.tensordot(users, core, axes=1), right)

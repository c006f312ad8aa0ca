"""A tiny problem, drawn by numpy alone."""

import numpy as np
import pytest

from benchmarks.draws import Data, Factors


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def data(rng) -> Data:
    """Rectangular, of full oversampling; the start is the truth turned a little."""
    k, n, d1, d2, r1, r2 = 3, 40, 6, 5, 2, 3

    def factors(noise):
        left, right = rng.standard_normal((d1, r1)), rng.standard_normal((d2, r2))
        return left * noise, rng.standard_normal((k, r1, r2)) * noise, right * noise

    truth = Factors(np.linalg.qr(factors(1.0)[0])[0], factors(1.0)[1], np.linalg.qr(factors(1.0)[2])[0])
    left, cores, right = (block + change for block, change in zip(truth.blocks, factors(0.05), strict=True))
    start = Factors(np.linalg.qr(left)[0], cores, np.linalg.qr(right)[0])
    A = rng.standard_normal((k, n, d1, d2))
    return Data(A, np.einsum("knab,kab->kn", A, truth.compose()), start, truth)

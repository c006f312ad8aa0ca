import numpy as np
import pytest

from colora_theory.theory.wishart import expected_largest_of_all, largest_eigenvalue_cdf


def largest(rng, count, num_samples, size):
    designs = rng.standard_normal((count, num_samples, size))
    return np.linalg.eigvalsh(np.swapaxes(designs, 1, 2) @ designs)[:, -1]


@pytest.mark.parametrize(("num_samples", "size"), [(3, 4), (16, 4), (64, 2), (40, 9)])
def test_upper_quantiles_are_those_of_drawn_matrices(num_samples, size):
    values = largest(np.random.default_rng(0), 4000, num_samples, size)
    levels = np.array([0.75, 0.9, 0.99])
    found = largest_eigenvalue_cdf(np.quantile(values, levels), num_samples, size)
    np.testing.assert_allclose(found, levels, atol=0.03)


def test_the_largest_of_users_with_unequal_samples():
    rng = np.random.default_rng(0)
    samples = np.array([12, 12, 30, 60])
    drawn = np.max([largest(rng, 2000, n, 4) / n for n in samples], axis=0)
    np.testing.assert_allclose(expected_largest_of_all(samples, 4), np.mean(drawn), rtol=0.02)


def test_more_users_have_a_larger_largest_and_more_samples_a_smaller():
    found = [expected_largest_of_all(np.full(k, 20), 4) for k in (1, 4, 64)]
    assert found == sorted(found)
    assert 1 < expected_largest_of_all(np.full(4, 10**6), 4) < 1.01

import numpy as np
import pytest

from colora_theory.theory import fitted_core_error, retrieval_crossing, retrieved_core_error


def test_the_error_of_a_fitted_core_is_that_of_least_squares():
    """2000 Gaussian designs, within five standard errors."""
    rng = np.random.default_rng(0)
    designs = rng.standard_normal((2000, 12, 4))
    traces = np.trace(np.linalg.inv(np.swapaxes(designs, 1, 2) @ designs), axis1=1, axis2=2)
    expected = fitted_core_error(2, 12, 0.5)
    assert abs(0.25 * traces.mean() - expected) < 5 * 0.25 * traces.std() / np.sqrt(2000)


def test_the_error_of_a_retrieved_core_is_that_of_a_mean():
    rng = np.random.default_rng(1)
    own = 0.3 * rng.standard_normal((20_000, 5 + 1, 6))
    estimates = own[:, 1:] + 0.1 * rng.standard_normal((20_000, 5, 6))
    errors = np.sum((estimates.mean(axis=1) - own[:, 0]) ** 2, axis=1)
    expected = retrieved_core_error((2, 3), 0.09, 5, 6 * 0.01)
    assert abs(errors.mean() - expected) < 5 * errors.std() / np.sqrt(20_000)


def test_at_the_crossing_both_err_alike():
    crossing = retrieval_crossing(2, 1.0, 0.2, 5, 0.1)
    at = round(crossing * 1000)
    assert fitted_core_error(2, 7, 1.0) > retrieved_core_error(2, 0.2, 5, 0.1) > fitted_core_error(2, 12, 1.0)
    assert 4 / (at / 1000 - 5) == pytest.approx(retrieved_core_error(2, 0.2, 5, 0.1), rel=1e-3)


def test_where_nothing_is_known_or_nothing_scatters():
    assert fitted_core_error(2, 5, 1.0) == np.inf
    assert retrieval_crossing(2, 1.0, 0.0, 5) == np.inf
    with pytest.raises(ValueError, match="rank 0"):
        fitted_core_error(0, 5, 1.0)

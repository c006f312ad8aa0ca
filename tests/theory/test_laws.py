import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import (
    contraction_factor,
    contraction_law,
    cramer_rao,
    degrees_of_freedom,
    isometry_constant,
    isometry_law,
    noise_law,
)
from colora_theory.theory.wishart import expected_largest_of_all

EQUAL = np.broadcast_to(np.eye(2), (8, 2, 2))


def test_with_equal_users_the_rate_is_wachters_edge():
    n, p, q = 16, 4, 2 * 2 * 18
    a, b = p / n, q / (8 * n)
    expected = (np.sqrt(a * (1 - b)) + np.sqrt(b * (1 - a))) ** 2
    np.testing.assert_allclose(contraction_law(EQUAL, 20, 20, n), expected, rtol=1e-4)


def test_with_equal_users_the_noise_passes_as_counting_says():
    n = 40
    dof = degrees_of_freedom(8, 20, 20, 2)
    np.testing.assert_allclose(noise_law(EQUAL, 20, 20, n, 0.5), 0.25 * dof / 8 / (n - dof / 8), rtol=0.02)


def test_many_samples_give_the_plain_count():
    dof = degrees_of_freedom(8, 20, 20, 2)
    np.testing.assert_allclose(noise_law(EQUAL, 20, 20, 10**6, 1.0), dof / 8 / 10**6, rtol=1e-3)
    assert contraction_law(EQUAL, 20, 20, 10**6) < 1e-3


@pytest.fixture(scope="module")
def drawn():
    """Users of very different weight: what the plain count does not know."""
    family = ct.TaskFamily(10, 30, 24, 2)
    instances = [ct.sample_instance(jax.random.key(seed), family, 30) for seed in range(6)]
    scales = np.geomspace(1, 4, 10)[:, None, None]
    return [
        ct.Instance(one.problem, ct.Factors(one.truth.left, one.truth.cores * scales, one.truth.right))
        for one in instances
    ]


def test_the_mean_bound_of_drawn_designs_follows_the_law(drawn):
    ratios = [
        cramer_rao(one.problem, one.truth, 1.0).mean / noise_law(np.asarray(one.truth.cores), 30, 24, 30, 1.0).mean()
        for one in drawn
    ]
    np.testing.assert_allclose(np.mean(ratios), 1.0, atol=0.04)
    count = degrees_of_freedom(10, 30, 24, 2) / 10 / 30
    assert cramer_rao(drawn[0].problem, drawn[0].truth, 1.0).mean > 1.3 * count


def test_the_rate_of_drawn_designs_follows_the_law(drawn):
    exact = [contraction_factor(one.problem, one.truth) for one in drawn]
    law = [contraction_law(np.asarray(one.truth.cores), 30, 24, 30) for one in drawn]
    np.testing.assert_allclose(np.mean(exact), np.mean(law), rtol=0.1)


@pytest.mark.parametrize("num_users", [1, 8])
def test_with_equal_users_the_isometry_is_marchenko_and_pasturs_edge(num_users):
    dof = degrees_of_freedom(num_users, 20, 15, 2)
    expected = (1 + np.sqrt(dof / (num_users * 50))) ** 2 - 1
    np.testing.assert_allclose(isometry_law(EQUAL[:num_users], 20, 15, 50), expected, rtol=1e-3)


def test_users_of_unequal_weight_make_the_isometry_worse():
    unequal = EQUAL * np.geomspace(1, 4, 8)[:, None, None]
    assert isometry_law(unequal, 20, 15, 50) > 1.1 * isometry_law(EQUAL, 20, 15, 50)


def test_the_isometry_of_drawn_designs_follows_the_law(drawn):
    """To 15%: an edge of small matrices is approached from below. Users of equal weight would have 0.7 of it."""
    exact = [isometry_constant(one.problem, one.truth) for one in drawn]
    law = [isometry_law(np.asarray(one.truth.cores), 30, 24, 30) for one in drawn]
    np.testing.assert_allclose(np.mean(exact), np.mean(law), rtol=0.15)
    assert isometry_law(np.broadcast_to(np.eye(2), (10, 2, 2)), 30, 24, 30) < 0.8 * np.mean(exact)


def test_with_many_users_the_worst_core_sets_the_isometry():
    many = np.broadcast_to(np.eye(2), (400, 2, 2))
    worst = expected_largest_of_all(np.full(400, 30), 4) - 1
    assert isometry_law(many, 4, 4, 30) == worst > isometry_law(many[:1], 2, 2, 30)
    assert isometry_law(EQUAL, 20, 20, 10**8) < 1e-3


def test_an_isometry_needs_a_sample_of_every_user():
    with pytest.raises(ValueError, match="num_samples 0"):
        isometry_law(EQUAL, 20, 20, 0)


def test_too_few_samples_have_no_finite_error():
    assert np.isinf(noise_law(EQUAL, 20, 20, 12, 1.0)).all()
    assert contraction_law(EQUAL, 20, 20, 12) == 1.0
    one = np.full(8, 40)
    one[3] = 4
    assert np.isinf(noise_law(EQUAL, 20, 20, one, 1.0)).tolist() == [user == 3 for user in range(8)]
    assert (noise_law(EQUAL, 20, 20, 12, 0.0) == 0).all()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="rank deficient"):
        noise_law(np.zeros((3, 2, 2)), 5, 5, 10, 1.0)
    with pytest.raises(ValueError, match="noise -1"):
        noise_law(EQUAL, 5, 5, 10, -1.0)

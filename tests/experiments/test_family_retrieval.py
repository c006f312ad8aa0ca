"""A new user among old ones as truth and fits of the family."""

import jax
import numpy as np
import pytest

from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.registry import FITS, TRUTHS

TRUTH = TRUTHS["new_user_of_a_group"]


def instance_of(level, num_samples, noise=1e-3, key=0):
    draw = FamilyDraw("new_user_of_a_group", 1, 6, 5, num_samples, noise, 0, level)
    return draw, TRUTH.sample(jax.random.key(key), draw)


def error(method, level, num_samples, **options):
    draw, instance = instance_of(level, num_samples, **options)
    found = FITS[method](instance, draw, jax.random.key(1))
    return np.sum((found.weights - instance.weights) ** 2)


def test_cores_scatter_as_the_level_says():
    """Variance one in all, the level within groups: the new user is of the group of every fourth old one."""
    cores, factors = [], []
    for key in range(12):
        _, instance = instance_of(0.1, 4, key=key)
        known = instance.known["factors"]
        own = np.einsum("ar,kab,bs->krs", known.left, instance.weights, known.right)
        cores.append(own[0] - np.asarray(known.cores)[3::4].mean(axis=0))
        factors.append(own)
    assert np.mean(np.square(factors)) == pytest.approx(1, abs=0.35)
    assert np.mean(np.square(cores)) == pytest.approx(0.1 * (1 + 1 / 5), rel=0.5)


def test_without_scatter_one_measurement_finds_the_core_and_a_fit_needs_four():
    assert error("retrieved_by_residuals", 0.0, 2) < 1e-3
    assert error("core_fitted", 0.0, 8) < 1e-3
    draw, instance = instance_of(0.0, 3)
    assert FITS["core_fitted"](instance, draw, jax.random.key(1)).weights is None


def test_the_normal_law_errs_less_than_the_mean_of_all_and_a_fit_in_the_limit_alike():
    assert error("core_of_normal_law", 1.0, 3) < error("retrieved_from_all", 1.0, 3)
    assert error("core_of_normal_law", 1.0, 30) == pytest.approx(error("core_fitted", 1.0, 30), rel=1e-2)


def test_the_new_user_is_one():
    draw = FamilyDraw("new_user_of_a_group", 2, 6, 5, 4, 0.1, 0, 0.5)
    with pytest.raises(ValueError, match="num_users 2: the new user is one, its old ones are 20"):
        TRUTH.unknowns(draw)

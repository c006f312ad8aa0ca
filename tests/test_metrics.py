import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import colora_theory as ct

ERRORS = [ct.metrics.relative_error, ct.metrics.mean_squared_error, ct.metrics.sine_left, ct.metrics.sine_right]
OVERLAPS = [ct.metrics.overlap_left, ct.metrics.overlap_right]


def draw(seed):
    keys = jax.random.split(jax.random.key(seed), 3)
    return ct.Factors(
        jax.random.normal(keys[0], (6, 3)), jax.random.normal(keys[1], (4, 3, 2)), jax.random.normal(keys[2], (5, 2))
    )


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000))
def test_every_metric_is_invariant_to_the_basis(seed):
    estimate, truth = draw(seed), draw(seed + 1)
    keys = jax.random.split(jax.random.key(seed + 2), 2)
    left_change, right_change = jax.random.normal(keys[0], (3, 3)), jax.random.normal(keys[1], (2, 2))
    cores = jnp.linalg.inv(left_change)[None] @ estimate.cores @ jnp.linalg.inv(right_change).T[None]
    changed = ct.Factors(estimate.left @ left_change, cores, estimate.right @ right_change)
    for metric in ERRORS + OVERLAPS:
        # A random change of basis can have a condition number of 1e3, squared in the weights.
        np.testing.assert_allclose(metric(changed, truth), metric(estimate, truth), rtol=1e-7, atol=1e-9)


def test_truth_has_no_error():
    truth = draw(0)
    for metric in ERRORS:
        assert metric(truth, truth) < 1e-14
    for metric in OVERLAPS:
        assert abs(metric(truth, truth) - 1) < 1e-14


def test_values_by_hand():
    truth = ct.Factors(jnp.eye(3)[:, :1], jnp.array([[[2.0]], [[1.0]]]), jnp.eye(2)[:, :1])
    estimate = ct.Factors(jnp.array([[0.6], [0.8], [0.0]]), jnp.array([[[2.0]], [[1.0]]]), jnp.eye(2)[:, :1])
    np.testing.assert_allclose(ct.metrics.sine_left(estimate, truth), 0.8, rtol=1e-14)
    np.testing.assert_allclose(ct.metrics.sine_right(estimate, truth), 0.0, atol=1e-15)
    np.testing.assert_allclose(ct.metrics.overlap_left(estimate, truth), 0.36, rtol=1e-14)
    np.testing.assert_allclose(ct.metrics.overlap_right(estimate, truth), 1.0, rtol=1e-14)
    # ||e - f||^2 = 2 (1 - cos) = 0.8 for unit vectors; times the squared cores 4 and 1.
    np.testing.assert_allclose(ct.metrics.mean_squared_error(estimate, truth), 0.8 * 5 / 2, rtol=1e-14)
    np.testing.assert_allclose(ct.metrics.relative_error(estimate, truth), np.sqrt(0.8), rtol=1e-14)


def test_personal_subspaces_count_the_worst_user():
    shared = draw(0).orthonormalize()
    left = jnp.stack([shared.left] * 3 + [jnp.eye(6)[:, :3]])
    personal = ct.PersonalFactors(left, shared.cores, jnp.stack([shared.right] * 4))
    alone = ct.metrics.sine_left(shared, ct.Factors(jnp.eye(6)[:, :3], shared.cores, shared.right))
    np.testing.assert_allclose(ct.metrics.sine_left(shared, personal), alone, rtol=1e-12)


def test_the_overlap_is_the_mean_of_the_squared_cosines():
    estimate, truth = draw(0), draw(1)
    for overlap, first, second in (
        (ct.metrics.overlap_left, estimate.left, truth.left),
        (ct.metrics.overlap_right, estimate.right, truth.right),
    ):
        projector = first @ jnp.linalg.pinv(first)
        basis = jnp.linalg.qr(second)[0]
        expected = jnp.mean(jnp.sum(jnp.square(projector @ basis), axis=0))
        np.testing.assert_allclose(overlap(estimate, truth), expected, rtol=1e-12)


def test_an_estimate_of_smaller_rank_overlaps_with_a_part_of_the_truth():
    truth = draw(0)
    smaller = ct.Factors(truth.left[:, :2], truth.cores[:, :2], truth.right)
    np.testing.assert_allclose(ct.metrics.overlap_left(smaller, truth), 2 / 3, rtol=1e-12)


def test_the_overlap_with_personal_subspaces_is_the_mean_over_users():
    shared = draw(0).orthonormalize()
    left = jnp.stack([shared.left] * 3 + [jnp.eye(6)[:, :3]])
    personal = ct.PersonalFactors(left, shared.cores, jnp.stack([shared.right] * 4))
    alone = ct.metrics.overlap_left(shared, ct.Factors(jnp.eye(6)[:, :3], shared.cores, shared.right))
    np.testing.assert_allclose(ct.metrics.overlap_left(shared, personal), (3 + alone) / 4, rtol=1e-12)


def test_zero_truth_gives_zero_relative_error_not_nan():
    zero = jax.tree.map(jnp.zeros_like, draw(0))
    assert ct.metrics.relative_error(zero, zero) == 0


@pytest.mark.parametrize("metric", [ct.metrics.relative_error, ct.metrics.mean_squared_error])
def test_no_sum_is_so_large_that_threads_share_it(metric):
    """Its last digit would depend on how many there are."""
    truth, estimate = (ct.TaskFamily(64, 20, 20, 2).sample_truth(jax.random.key(seed)) for seed in range(2))
    program = jax.jit(metric).lower(estimate, truth).compile().as_text()
    to_scalars = re.findall(r"= f64\[\] reduce\(.*dimensions=\{([\d,]*)\}", program)
    assert to_scalars
    assert set(to_scalars) == {"0"}

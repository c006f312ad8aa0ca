import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct


def test_alone_recovers_with_enough_samples(key):
    instance = ct.sample_instance(key, ct.TaskFamily(3, 8, 7, 2), 120)
    solution = ct.baselines.alone(instance.problem, 2)
    assert solution.status == ct.Status.CONVERGED
    assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-12


def test_alone_fails_where_together_succeeds(key):
    """16 samples each: a user alone needs 26 by counting, together 5.1 are needed."""
    instance = ct.sample_instance(key, ct.TaskFamily(30, 8, 7, 2), 16)
    together = ct.solve(instance.problem, ct.solvers.AlternatingMinimization(), ct.starts.Stacked(), 2)
    alone = ct.baselines.alone(instance.problem, 2, max_steps=200)
    assert ct.metrics.relative_error(together.factors, instance.truth) < 1e-10
    assert ct.metrics.relative_error(alone.factors, instance.truth) > 0.1


def test_alone_equals_user_by_user_fits(key):
    instance = ct.sample_instance(key, ct.TaskFamily(3, 6, 5, 2), 60, 0.1)
    weights = ct.baselines.alone(instance.problem, 2).factors.compose()
    A, y = np.asarray(instance.problem.sensing.matrices), np.asarray(instance.problem.targets)
    for user in range(3):
        own = ct.fit(A[user : user + 1], y[user : user + 1], 2)
        np.testing.assert_allclose(weights[user], own.weights[0], atol=1e-8)


def test_alone_does_not_care_for_misaligned_subspaces(key):
    instance = ct.sample_instance(key, ct.TaskFamily(3, 8, 7, 2, misalignment=0.9), 120)
    solution = ct.baselines.alone(instance.problem, 2)
    assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-12
    assert ct.metrics.sine_left(solution.factors, instance.truth) < 1e-12


def test_pooled_is_right_for_identical_tasks(key):
    instance = ct.sample_instance(key, ct.TaskFamily(5, 8, 7, 2, similarity=1.0), 20)
    solution = ct.baselines.pooled(instance.problem, 2)
    assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-12


def test_pooled_bias_is_the_spread_of_the_cores(key):
    """With many samples the squared error per user tends to the mean of ||C_i - mean C||^2.

    Sampling adds to it, relatively, about (degrees of freedom of one adapter) / N = 26 / 20000 times the ratio of
    the misfit to the spread, which is of order 1.
    """
    instance = ct.sample_instance(key, ct.TaskFamily(5, 8, 7, 2, similarity=0.5), 4000)
    cores = instance.truth.cores
    spread = jnp.mean(jnp.sum((cores - jnp.mean(cores, axis=0, keepdims=True)) ** 2, axis=(1, 2)))
    solution = ct.baselines.pooled(instance.problem, 2)
    np.testing.assert_allclose(ct.metrics.mean_squared_error(solution.factors, instance.truth), spread, rtol=0.02)


@pytest.mark.parametrize("misalignment", [None, 0.6])
def test_oracle_is_exact_without_noise(key, misalignment):
    instance = ct.sample_instance(key, ct.TaskFamily(4, 8, 7, (3, 2), misalignment=misalignment), 8)
    solution = ct.baselines.oracle(instance.problem, instance.truth)
    assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-12
    assert solution.relative_residual < 1e-12


def test_oracle_error_follows_its_law(key):
    """sigma^2 p / (n - p - 1) per user for p = r1 r2 Gaussian regressors; 200 users, five standard errors."""
    samples, p, noise = 20, 4, 0.3
    instance = ct.sample_instance(key, ct.TaskFamily(200, 6, 5, 2), samples, noise)
    solution = ct.baselines.oracle(instance.problem, instance.truth)
    errors = ct.metrics.squared_errors(solution.factors, instance.truth)
    standard_error = jnp.std(errors) / np.sqrt(200)
    assert abs(jnp.mean(errors) - noise**2 * p / (samples - p - 1)) < 5 * standard_error


def test_baselines_run_under_jit(key):
    instance = ct.sample_instance(key, ct.TaskFamily(3, 6, 5, (3, 2)), 40, 0.1)
    for baseline in (ct.baselines.alone, ct.baselines.pooled):
        eager = baseline(instance.problem, (3, 2)).factors.compose()
        jitted = jax.jit(lambda problem, baseline=baseline: baseline(problem, (3, 2)).factors.compose())
        np.testing.assert_allclose(jitted(instance.problem), eager, atol=1e-9)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import TangentGram, cramer_rao

KEY = jax.random.key(0)
FAMILY = ct.TaskFamily(4, 6, 5, (3, 2))


@pytest.fixture(scope="module")
def instance():
    return ct.sample_instance(KEY, FAMILY, 20)


def test_the_total_is_the_trace_of_the_inverse(instance):
    bound = cramer_rao(instance.problem, instance.truth, 0.3)
    dense = TangentGram.at(instance.problem, instance.truth).dense()
    np.testing.assert_allclose(bound.total, 0.09 * np.trace(np.linalg.inv(dense)), rtol=1e-9)
    np.testing.assert_allclose(bound.mean, bound.total / 4)


def test_least_squares_reaches_it_for_every_user_as_the_noise_vanishes(instance):
    """Mean squared errors of 400 draws of tiny noise, from the truth: within five standard errors, user by user."""
    problem, truth, noise = instance.problem, instance.truth, 1e-4

    def errors(key):
        drawn = problem.targets + noise * jax.random.normal(key, problem.targets.shape)
        noisy = ct.Problem(problem.sensing, drawn, problem.sample_weights)
        solver = ct.solvers.VariableProjection()
        return ct.metrics.squared_errors(
            ct.solve(noisy, solver, ct.starts.Near(truth, 0.0), (3, 2), max_steps=8).factors, truth
        )

    drawn = np.asarray(jax.lax.map(errors, jax.random.split(KEY, 400)))
    bound = cramer_rao(problem, truth, noise).per_user
    standard_errors = drawn.std(axis=0) / 20
    assert (np.abs(drawn.mean(axis=0) - bound) < 5 * standard_errors).all()
    assert (standard_errors < 0.06 * bound).all()


def test_limits(instance):
    problem, truth = instance.problem, instance.truth
    assert cramer_rao(problem, truth, 0.0).total == 0
    few = ct.sample_instance(KEY, FAMILY, 8)
    assert np.isinf(cramer_rao(few.problem, few.truth, 0.1).per_user).all()
    silent = ct.Problem(problem.sensing, problem.targets, problem.sample_weights.at[1].set(0.0))
    assert np.isinf(cramer_rao(silent, truth, 0.1).per_user).tolist() == [False, True, False, False]
    with pytest.raises(ValueError, match="noise -1"):
        cramer_rao(problem, truth, -1.0)


def test_a_user_without_samples_leaves_the_bound_of_the_others_as_if_it_were_absent(instance):
    problem, truth = instance.problem, instance.truth
    silent = ct.Problem(problem.sensing, problem.targets, problem.sample_weights.at[1].set(0.0))
    absent = ct.Problem(
        ct.sensing.Dense(jnp.delete(problem.sensing.entries, 1, axis=2)),
        jnp.delete(problem.targets, 1, axis=0),
        jnp.delete(problem.sample_weights, 1, axis=0),
    )
    others = ct.Factors(truth.left, jnp.delete(truth.cores, 1, axis=0), truth.right)
    np.testing.assert_allclose(
        np.delete(cramer_rao(silent, truth, 0.1).per_user, 1), cramer_rao(absent, others, 0.1).per_user, rtol=1e-8
    )

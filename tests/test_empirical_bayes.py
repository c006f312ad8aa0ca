import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.empirical_bayes import Prior

FAMILY = ct.TaskFamily(30, 10, 8, 2, similarity=0.5)


@pytest.fixture(scope="module")
def noisy():
    return ct.sample_instance(jax.random.key(3), FAMILY, 9, 1.0)


@pytest.fixture(scope="module")
def likeliest(noisy):
    return ct.solve(noisy.problem, ct.solvers.VariableProjection(), ct.starts.Near(noisy.truth), 2).factors


@pytest.fixture(scope="module")
def shrunk(noisy, likeliest):
    return ct.shrink(noisy.problem, likeliest)


def test_beats_maximum_likelihood_with_few_samples(noisy, likeliest, shrunk):
    errors = [float(ct.metrics.relative_error(factors, noisy.truth)) for factors in (shrunk.factors, likeliest)]
    assert errors[0] < 0.9 * errors[1]
    assert shrunk.converged
    np.testing.assert_allclose(shrunk.noise, 1.0, rtol=0.2)


def test_posterior_knows_its_own_error(noisy, shrunk):
    """Squared Mahalanobis distance of the true cores, in the estimate's bases: r1 r2 if the covariance is right."""
    truth, left, right = noisy.truth, shrunk.factors.left, shrunk.factors.right
    cores = jnp.einsum("ap,ar,krs,bs,bq->kpq", left, truth.left, truth.cores, truth.right, right)
    off = (cores - shrunk.factors.cores).reshape(30, 4)
    distance = jnp.einsum("kp,kp->k", off, jnp.linalg.solve(shrunk.core_covariances, off[..., None])[..., 0])
    # 30 users with 4 degrees of freedom each: mean 4, standard error sqrt(8 / 30); the error of U and V comes on top.
    assert abs(jnp.mean(distance) - 4) < 5 * np.sqrt(8 / 30)


def test_without_noise_it_is_the_exact_fit():
    instance = ct.sample_instance(jax.random.key(4), FAMILY, 20)
    first = ct.solve(instance.problem, ct.solvers.VariableProjection(), ct.starts.Stacked(), 2).factors
    shrunk = ct.shrink(instance.problem, first)
    assert ct.metrics.relative_error(shrunk.factors, instance.truth) < 1e-10
    assert shrunk.noise < 1e-9


def test_identical_users_share_one_core():
    """Nothing distinguishes the users: the prior's covariance nearly vanishes, the cores are nearly the same."""
    same = ct.sample_instance(jax.random.key(5), ct.TaskFamily(30, 10, 8, 2, similarity=1.0), 9, 1.0)
    first = ct.solve(same.problem, ct.solvers.VariableProjection(), ct.starts.Near(same.truth), 2).factors
    shrunk = ct.shrink(same.problem, first)
    spread = jnp.linalg.norm(jnp.std(shrunk.factors.cores, axis=0)) / jnp.linalg.norm(jnp.std(first.cores, axis=0))
    assert spread < 0.5
    errors = [float(ct.metrics.relative_error(factors, same.truth)) for factors in (shrunk.factors, first)]
    assert errors[0] < 0.6 * errors[1]


def test_the_bases_do_not_matter(noisy, likeliest, shrunk, key):
    turn, bend = jnp.linalg.qr(jax.random.normal(key, (2, 2)))[0], jnp.array([[2.0, 0.3], [0.0, 0.5]])
    cores = jnp.einsum("pr,krs,sq->kpq", jnp.linalg.inv(turn), likeliest.cores, jnp.linalg.inv(bend))
    other = ct.shrink(noisy.problem, ct.Factors(likeliest.left @ turn, cores, likeliest.right @ bend.T))
    np.testing.assert_allclose(other.factors.compose(), shrunk.factors.compose(), atol=1e-6)


def test_a_user_without_samples_gets_the_common_core(noisy, likeliest):
    weights = noisy.problem.sample_weights.at[7].set(0.0)
    problem = ct.Problem(noisy.problem.sensing, noisy.problem.targets, weights)
    shrunk = ct.shrink(problem, likeliest)
    np.testing.assert_allclose(shrunk.factors.cores[7].reshape(-1), shrunk.prior.mean, atol=0.05)
    assert all(jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(shrunk))


def test_all_zero_data_stay_finite(noisy, likeliest):
    problem = ct.Problem(noisy.problem.sensing, jnp.zeros_like(noisy.problem.targets), noisy.problem.sample_weights)
    shrunk = ct.shrink(problem, ct.Factors(likeliest.left, 0 * likeliest.cores, likeliest.right))
    assert all(jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(shrunk))


def test_prior_of_many_known_cores_is_their_distribution(key):
    root = jnp.array([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.0, 0.2, 2.0]])
    means = 1.0 + jax.random.normal(key, (4000, 3)) @ root.T
    prior = Prior.of(means, jnp.zeros((4000, 3, 3)))
    np.testing.assert_allclose(prior.mean, jnp.ones(3), atol=5 * 2 / np.sqrt(4000))
    np.testing.assert_allclose(prior.covariance, root @ root.T, atol=5 * 4 * np.sqrt(2 / 4000))


def test_no_step_is_an_error(noisy, likeliest):
    with pytest.raises(ValueError, match="max_steps 0 is below 1"):
        ct.shrink(noisy.problem, likeliest, max_steps=0)

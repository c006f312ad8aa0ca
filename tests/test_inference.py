"""Uncertainty against dense matrices, coverage, the bootstrap beside it, and new users."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import colora_theory as ct
from tests.registries import SENSING

SHAPE, RANK = (4, 6, 5), (3, 2)
FAMILY = ct.TaskFamily(*SHAPE, RANK)


@pytest.fixture(scope="module")
def fits():
    """Problems of two operators, with a minimum of the loss each."""
    made = {}
    for name in ("dense", "vector-output"):
        sensing = SENSING[name](jax.random.key(1), 4, 36, 6, 5)
        truth = FAMILY.sample_truth(jax.random.key(0))
        clean = sensing(truth.compose())
        targets = clean + 0.02 * jax.random.normal(jax.random.key(2), clean.shape)
        weights = jnp.ones_like(targets).at[1, :4].set(2.0)
        problem = ct.Problem(sensing, targets, weights)
        fit = ct.solve(problem, ct.solvers.VariableProjection(), ct.starts.Near(truth), RANK, max_steps=100)
        made[name] = problem, fit, truth
    return made


def dense_covariance(problem, factors):
    """A basis of the tangent space, the Jacobian on it, and the covariance of all weights for unit noise."""

    def weights(left, cores, right):
        return ct.Factors(left, cores, right).compose().reshape(-1)

    blocks = jax.jacobian(weights, argnums=(0, 1, 2))(factors.left, factors.cores, factors.right)
    tangents = np.concatenate([np.asarray(block).reshape(len(block), -1) for block in blocks], axis=1)
    basis, values, _ = np.linalg.svd(tangents, full_matrices=False)
    basis = basis[:, values > 1e-10 * values[0]]
    measured = [np.ravel(problem.scale * problem.sensing(jnp.asarray(one.reshape(SHAPE)))) for one in basis.T]
    jacobian = np.stack(measured, axis=1)
    return basis, jacobian, basis @ np.linalg.inv(jacobian.T @ jacobian) @ basis.T


@pytest.mark.parametrize("name", ["dense", "vector-output"])
def test_standard_errors_are_those_of_dense_matrices(fits, name):
    problem, fit, _ = fits[name]
    told = ct.Uncertainty.of(problem, fit.factors)
    basis, jacobian, covariance = dense_covariance(problem, fit.factors)
    residual = np.ravel(problem.residual(fit.factors))
    variance = residual @ residual / (residual.size - basis.shape[1])
    np.testing.assert_allclose(told.noise.sigma**2, variance, rtol=1e-10)
    interval = told.weights(0.8)
    expected = np.sqrt(variance * np.diag(covariance)).reshape(SHAPE)
    np.testing.assert_allclose(interval.standard_error, expected, rtol=1e-7)
    reach = stats.t.ppf(0.9, residual.size - basis.shape[1])
    np.testing.assert_allclose(interval.half_width, reach * expected, rtol=1e-7)
    np.testing.assert_allclose(told.errors**2, np.sum(expected**2, axis=(1, 2)), rtol=1e-7)
    np.testing.assert_allclose(
        told.errors**2, ct.theory.cramer_rao(problem, fit.factors, told.noise.sigma).per_user, rtol=1e-8
    )
    whole = np.sqrt(variance * np.diag(jacobian @ covariance_of(jacobian) @ jacobian.T)).reshape(4, -1)
    predicted = told.predictions(problem.sensing)
    np.testing.assert_allclose(np.asarray(problem.scale) * predicted.standard_error, whole, rtol=1e-7)
    noisy = told.predictions(problem.sensing, with_noise=True)
    np.testing.assert_allclose(noisy.standard_error**2, predicted.standard_error**2 + variance, rtol=1e-9)


def covariance_of(jacobian):
    return np.linalg.inv(jacobian.T @ jacobian)


def test_noise_levels_of_users_enter_as_the_sandwich(fits):
    problem, fit, _ = fits["dense"]
    told = ct.Uncertainty.of(problem, fit.factors, per_user_noise=True)
    basis, jacobian, _ = dense_covariance(problem, fit.factors)
    bread = covariance_of(jacobian)
    variances = np.repeat(told.sigma**2, problem.targets.shape[1])
    covariance = basis @ bread @ jacobian.T @ (variances[:, None] * jacobian) @ bread @ basis.T
    np.testing.assert_allclose(told.weights().standard_error.reshape(-1) ** 2, np.diag(covariance), rtol=1e-7)
    np.testing.assert_allclose(told.noise.per_user_spare.sum(), told.noise.spare)


def test_the_bases_do_not_matter(fits):
    problem, fit, _ = fits["dense"]
    left = np.array([[2.0, 1.0, 0.0], [0.0, 0.5, 1.0], [1.0, 0.0, 3.0]])
    right = np.array([[1.0, 2.0], [0.5, -1.0]])
    factors = fit.factors
    turned = ct.Factors(
        factors.left @ left, np.linalg.inv(left) @ factors.cores @ np.linalg.inv(right).T, factors.right @ right
    )
    one, other = (ct.Uncertainty.of(problem, each) for each in (factors, turned))
    np.testing.assert_allclose(one.weights().lower, other.weights().lower, rtol=1e-6, atol=1e-9)
    assert one.reliability.tilt == pytest.approx(other.reliability.tilt)
    assert one.subspaces(draws=40000).left == pytest.approx(other.subspaces(draws=40000).left, rel=0.03)


def test_where_nothing_can_be_said_it_is_infinite_and_flagged(fits):
    problem, fit, _ = fits["dense"]
    few = problem.take_samples(9)
    told = ct.Uncertainty.of(few, fit.factors)
    assert not told.reliable
    assert "noise cannot be estimated" in told.reason
    assert np.isinf(told.weights().half_width).all()
    assert np.isnan(told.errors).all()
    assert (told.subspaces().left, told.subspaces().right) == (1.0, 1.0)
    with pytest.raises(ValueError, match=r"level 1\.5"):
        told.weights(1.5)
    assert ct.Uncertainty.of(problem, fit.factors).reliable


def test_bootstrap_agrees_with_first_order(fits):
    problem, fit, _ = fits["dense"]
    told, drawn = ct.Uncertainty.of(problem, fit.factors), ct.bootstrap(problem, fit.factors, replicates=200)
    assert drawn.num_failed == 0
    assert drawn.reliable
    for ours, theirs in (
        (told.weights(), drawn.weights()),
        (told.predictions(problem.sensing), drawn.predictions(problem.sensing)),
    ):
        # Standard errors from 200 refits scatter by 1 / sqrt(400), one of a hundred by up to four times that.
        np.testing.assert_allclose(theirs.standard_error, ours.standard_error, rtol=5 / np.sqrt(400))
        assert np.mean(theirs.half_width / ours.half_width) == pytest.approx(1, abs=0.08)
    assert drawn.subspaces().left == pytest.approx(told.subspaces().left, rel=0.2)


def new_user(truth, key, num_samples, noise, left=None):
    core_key, design_key, noise_key = jax.random.split(key, 3)
    core = jax.random.normal(core_key, RANK)
    weights = (truth.left if left is None else left) @ core @ truth.right.T
    A = jax.random.normal(design_key, (num_samples, 6, 5))
    y = jnp.einsum("nab,ab->n", A, weights) + noise * jax.random.normal(noise_key, (num_samples,))
    return np.asarray(A), np.asarray(y), np.asarray(weights)


def test_a_new_user_without_noise_is_found_from_r1_r2_measurements(fits):
    _, fit, truth = fits["dense"]
    exact = ct.solution.Solution(truth, fit.status, fit.num_steps, fit.relative_residual, fit.relative_gradient, None)
    A, y, weights = new_user(truth, jax.random.key(5), 6, 0.0)
    found = exact.adapt(A, y, noise=0.1)
    np.testing.assert_allclose(found.weights, weights, atol=1e-9)
    assert found.serves is None
    assert found.verdict.startswith("cannot test")
    np.testing.assert_allclose(truth.left @ found.core @ truth.right.T, weights, atol=1e-9)
    assert exact.adapt(A, y, noise=0.2).error == pytest.approx(2 * found.error)
    with pytest.raises(ValueError, match="5 measurements determine 5 of the 6"):
        exact.adapt(A[:5], y[:5])
    vectors = ct.Problem.vector_output(A[None, :2, 0], np.einsum("nb,ab->na", A[:2, 0], weights)[None])
    np.testing.assert_allclose(exact.adapt(vectors).weights, weights, atol=1e-9)


def test_error_and_test_of_new_users_hold_with_fitted_subspaces(fits):
    """Over 300 users that belong p-values are uniform and squared errors as told; others are turned away."""
    problem, fit, truth = fits["dense"]
    told = ct.Uncertainty.of(problem, fit.factors)
    drawn = []
    for number in range(300):
        A, y, weights = new_user(truth, jax.random.key(100 + number), 14, 0.02)
        found = fit.adapt(A, y, uncertainty=told)
        drawn.append((found.p_value, np.sum((found.weights - weights) ** 2), found.error**2))
    p_values, squares, expected = np.array(drawn).T
    # The subspaces, and the noise estimate, are one draw for all: only gross errors can be told.
    assert 0.01 < np.mean(p_values < 0.1) < 0.25
    assert 0.3 < squares.mean() / expected.mean() < 2.5
    elsewhere = ct.grassmann.random_subspace(jax.random.key(9), 6, 3)
    A, y, _ = new_user(truth, jax.random.key(4), 14, 0.02, elsewhere)
    stranger = fit.adapt(A, y, uncertainty=told)
    assert stranger.serves is False
    assert "do not serve" in stranger.verdict

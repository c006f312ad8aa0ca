"""Uncertainty against dense matrices, coverage, the bootstrap beside it, and new users."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import colora_theory as ct
from tests.registries import SENSING, dense_oracle

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


def new_user(truth, key, num_samples):
    core_key, design_key = jax.random.split(key)
    weights = truth.left @ jax.random.normal(core_key, RANK) @ truth.right.T
    A = jax.random.normal(design_key, (num_samples, 6, 5))
    return np.asarray(A), np.asarray(jnp.einsum("nab,ab->n", A, weights)), np.asarray(weights)


def test_a_new_user_without_noise_is_found_from_r1_r2_measurements(fits):
    _, fit, truth = fits["dense"]
    exact = ct.solution.Solution(truth, fit.status, fit.num_steps, fit.relative_residual, fit.relative_gradient, None)
    A, y, weights = new_user(truth, jax.random.key(5), 6)
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


@pytest.fixture(scope="module")
def newcomers(fits):
    """200 users whose subspaces and noise are drawn about those of the fit, as its uncertainty says, and 40 others."""
    problem, fit, _ = fits["dense"]
    told = ct.Uncertainty.of(problem, fit.factors)
    covariance, spare = told.covariance, told.noise.spare
    values, vectors = np.linalg.eigh(covariance.shared)
    root = vectors * np.sqrt(np.maximum(values, 0))
    elsewhere = np.asarray(ct.grassmann.random_subspace(jax.random.key(9), 6, 3))
    random, found = np.random.default_rng(5), []
    for number in range(240):
        widening = np.sqrt(spare / random.chisquare(spare))
        moved = widening * root @ random.standard_normal(len(root))
        left = covariance.left + moved[: covariance.left.size].reshape(RANK[0], -1).T
        right = covariance.right + moved[covariance.left.size :].reshape(RANK[1], -1).T
        weights = (left if number < 200 else elsewhere) @ random.standard_normal(RANK) @ right.T
        A = random.standard_normal((14, 6, 5))
        y = np.einsum("nab,ab->n", A, weights) + widening * told.noise.sigma * random.standard_normal(14)
        adapted = fit.adapt(A, y, uncertainty=told)
        found.append((adapted.p_value, np.sum((adapted.weights - weights) ** 2), adapted.error**2, adapted.serves))
    return np.array(found[:200], float), np.array(found[200:], float)


def test_p_values_of_users_who_belong_are_uniform_and_others_are_turned_away(newcomers):
    belonging, strangers = newcomers
    assert stats.kstest(belonging[:, 0], "uniform").pvalue > 0.01
    assert 0.01 < np.mean(belonging[:, 3] == 0) < 0.10  # of level .05, with 200 users
    assert np.mean(strangers[:, 3] == 0) >= 0.95


def test_the_error_of_new_users_is_as_told(newcomers):
    _, squares, expected, _ = newcomers[0].T
    assert 1 / 1.3 < np.sqrt(squares.mean() / expected.mean()) < 1.3


@pytest.mark.parametrize(
    ("name", "dtype"), [("rank-one", "float64"), ("entry-mask", "float64"), ("dense", "float32"), ("scaled", "float32")]
)
def test_every_operator_and_precision_agrees_with_dense_matrices(name, dtype):
    sensing, single = (SENSING[name](jax.random.key(1), users, 24, 6, 5) for users in (4, 1))
    truth = FAMILY.sample_truth(jax.random.key(0))
    noise = 0.02 * jax.random.normal(jax.random.key(2), (5, 24))
    one = ct.Factors(truth.left, truth.cores[:1], truth.right)

    def cast(tree):
        def as_dtype(part):
            return part.astype(dtype) if jnp.issubdtype(part.dtype, jnp.floating) else part

        return jax.tree.map(as_dtype, tree)

    def full(operator, targets):
        return ct.Problem(operator, targets, jnp.ones_like(targets))

    def found(operator, newcomer, cast):
        problem = cast(full(operator, sensing(truth.compose()) + noise[:4]))
        told = ct.Uncertainty.of(problem, cast(truth))
        user = cast(full(newcomer, single(one.compose()) + noise[4:]))
        adapted = ct.inference.adapt(cast(truth), user, uncertainty=told)
        assert adapted.weights.dtype == problem.targets.dtype
        bounds = told.subspaces(draws=200)
        numbers = [adapted.weights.ravel(), [adapted.error, adapted.p_value, told.noise.sigma, bounds.left]]
        return np.concatenate([told.weights().half_width.ravel(), *numbers])

    exact = found(dense_oracle(sensing), dense_oracle(single), lambda tree: tree)
    tolerance = 1e-6 if dtype == "float64" else 5e-3
    np.testing.assert_allclose(found(sensing, single, cast), exact, rtol=tolerance, atol=tolerance / 10)


@pytest.mark.long
def test_intervals_cover_in_nine_of_ten_draws():
    """500 draws at N / DoF = 4, fitted from the stacked start: `pytest -m long -s` prints the shares."""
    draws, noise, family = 500, 0.1, ct.TaskFamily(10, 8, 7, 2)
    num_samples = int(np.ceil(4 * ct.theory.degrees_of_freedom(10, 8, 7, 2) / 10))

    def fitted(key):
        drawn = ct.sample_instance(key, family, num_samples, noise)
        solver = ct.solvers.VariableProjection()
        return drawn, ct.solve(drawn.problem, solver, ct.starts.Stacked(), 2, key=key, max_steps=100).factors

    keys = jax.random.split(jax.random.key(1), draws)
    made = jax.jit(lambda keys: jax.lax.map(fitted, keys))(keys)
    new = ct.sensing.Dense.from_matrices(jax.random.normal(jax.random.key(9), (10, 5, 8, 7)))
    random, shares = np.random.default_rng(0), []
    for number in range(draws):
        drawn, factors = jax.tree.map(lambda part, at=number: part[at], made)
        told, weights = ct.Uncertainty.of(drawn.problem, factors), drawn.truth.compose()
        means, bounds = np.asarray(new(weights)), told.subspaces(draws=500)
        noisy = means + noise * random.standard_normal(means.shape)
        shares.append(
            (
                told.weights().contains(np.asarray(weights)).mean(),
                told.predictions(new).contains(means).mean(),
                told.predictions(new, with_noise=True).contains(noisy).mean(),
                ct.metrics.sine_left(factors, drawn.truth) <= bounds.left,
                ct.metrics.sine_right(factors, drawn.truth) <= bounds.right,
            )
        )
    entries, predictions, measurements, left, right = np.mean(np.array(shares, float), axis=0)
    print(f"entries {entries:.3f}, means {predictions:.3f}, measurements {measurements:.3f}, {left:.3f}, {right:.3f}")
    for share in (entries, predictions, measurements):
        assert 0.87 <= share <= 0.93
    assert min(left, right) >= 0.86

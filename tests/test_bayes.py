"""Posteriors of the weights under a prior of the cores."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import bayes

USERS, SHAPE, RANK, SIGMA, TAU = 5, (4, 3), (2, 1), 0.3, 0.8
UNKNOWNS = 2 * 2 + 1 * 2 + USERS * 2


def drawn(seed=0, num_samples=20, noise=SIGMA, users=USERS, tau=TAU, rank=RANK, shape=SHAPE):
    """Cores from N(1, tau^2): the factors they are of, data, the prior and a generator."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((d, r)))[0] for d, r in zip(shape, rank, strict=True))
    cores = 1 + tau * rng.standard_normal((users, *rank))
    weights = np.einsum("ar,krs,bs->kab", left, cores, right)
    A = rng.standard_normal((users, num_samples, *shape))
    y = np.einsum("knab,kab->kn", A, weights) + noise * rng.standard_normal((users, num_samples))
    truth = ct.Factors(*(jnp.asarray(each) for each in (left, cores, right)))
    return truth, ct.Problem.dense(A, y), bayes.isotropic(np.ones(rank), tau), rng


def designs(problem, truth):
    A = np.asarray(problem.sensing.matrices)
    return np.einsum("knab,ar,bs->knrs", A, truth.left, truth.right).reshape(*A.shape[:2], -1)


def test_the_posterior_of_the_cores_is_that_of_conditioning_a_normal_vector():
    """Another road: C and y are jointly normal, so mean and covariance are those of C given y."""
    truth, problem, prior, _ = drawn()
    found = bayes.given_subspaces(problem, truth, prior=prior, noise=SIGMA)
    lift = np.kron(np.asarray(truth.left), np.asarray(truth.right))
    for user, design in enumerate(designs(problem, truth)):
        of_both = TAU**2 * design.T
        gain = of_both @ np.linalg.inv(TAU**2 * design @ design.T + SIGMA**2 * np.eye(len(design)))
        mean = np.ones(2) + gain @ (np.asarray(problem.targets)[user] - design @ np.ones(2))
        covariance = TAU**2 * np.eye(2) - gain @ of_both.T
        np.testing.assert_allclose(found.mean[user].ravel(), lift @ mean, atol=1e-12)
        sd = np.sqrt(np.diag(lift @ covariance @ lift.T)).reshape(SHAPE)
        np.testing.assert_allclose(found.weights().standard_error[user], sd, atol=1e-12)


def test_the_whole_tangent_space_against_a_dense_jacobian():
    """J by automatic differentiation in charts of the subspaces; the cores' prior is the only one."""
    truth, problem, prior, rng = drawn()
    found = bayes.laplace(problem, truth, prior=prior, noise=SIGMA)
    at = found.covariance
    outside = [np.linalg.svd(side)[0][:, side.shape[1] :] for side in (at.left, at.right)]

    def weights(point):
        own, p, r = jnp.split(point, [USERS * 2, USERS * 2 + 4])
        left, right = at.left + outside[0] @ p.reshape(2, 2), at.right + outside[1] @ r.reshape(2, 1)
        return jnp.einsum("ar,krs,bs->kab", left, at.cores + own.reshape(at.cores.shape), right)

    jacobian = np.asarray(jax.jacobian(weights)(jnp.zeros(UNKNOWNS))).reshape(-1, UNKNOWNS)
    new = rng.standard_normal((USERS, 3, *SHAPE))
    A = np.asarray(problem.sensing.matrices)
    measured = np.einsum("knab,kabp->knp", A, jacobian.reshape(USERS, *SHAPE, -1)).reshape(-1, UNKNOWNS)
    precision = measured.T @ measured / SIGMA**2
    precision[: USERS * 2, : USERS * 2] += np.eye(USERS * 2) / TAU**2
    covariance = jacobian @ np.linalg.inv(precision) @ jacobian.T
    sd = np.sqrt(np.diag(covariance)).reshape(USERS, *SHAPE)
    np.testing.assert_allclose(found.weights().standard_error, sd, rtol=1e-9)
    told = found.predictions(ct.Problem.dense(new, np.zeros((USERS, 3))).sensing, with_noise=False).standard_error
    each = covariance.reshape(USERS, 12, USERS, 12)[range(USERS), :, range(USERS)]
    np.testing.assert_allclose(
        told**2, np.einsum("kna,kab,knb->kn", new.reshape(USERS, 3, -1), each, new.reshape(USERS, 3, -1)), rtol=1e-9
    )
    learnt = np.trace(np.linalg.inv(precision) @ measured.T @ measured) / SIGMA**2
    np.testing.assert_allclose(found.learnt, learnt, rtol=1e-9)

    draws = found.sample(jax.random.key(2), 20_000).reshape(20_000, -1)
    np.testing.assert_allclose(draws.mean(axis=0), found.mean.ravel(), atol=5 * sd.max() / np.sqrt(20_000))
    scale = sd.ravel()[:, None] * sd.ravel()
    # An entry of a sample covariance has a standard error of at most sqrt(2 / draws) times the two deviations.
    assert np.max(np.abs(np.cov(draws.T) - covariance) / scale) < 5 * np.sqrt(2 / 20_000)


def test_with_a_flat_prior_it_is_the_uncertainty_of_least_squares():
    truth, problem, _, _ = drawn()
    fitted = ct.solve(problem, ct.solvers.VariableProjection(), ct.starts.Near(truth), RANK).factors
    sure = ct.Uncertainty.of(problem, fitted)
    found = bayes.laplace(problem, fitted, prior=bayes.isotropic(np.zeros(RANK), 1e6))
    for one, other in ((found.weights(), sure.weights()), (found.weights(0.5), sure.weights(0.5))):
        np.testing.assert_allclose(one.estimate, other.estimate, atol=1e-7)
        np.testing.assert_allclose(one.half_width, other.half_width, rtol=1e-6)
    np.testing.assert_allclose((found.learnt, found.spare), (UNKNOWNS, 100 - UNKNOWNS), rtol=1e-6)


def test_bases_and_a_frozen_weight_change_nothing():
    truth, problem, prior, rng = drawn()
    turns = [rng.standard_normal((r, r)) + 2 * np.eye(r) for r in RANK]
    kron = np.kron(*turns)
    turned = ct.Factors(
        truth.left @ np.linalg.inv(turns[0]), turns[0] @ truth.cores @ turns[1].T, truth.right @ np.linalg.inv(turns[1])
    )
    other = ct.Prior(kron @ prior.mean, kron @ prior.covariance @ kron.T)
    offset = rng.standard_normal(SHAPE)
    moved = problem.targets + jnp.einsum("knab,ab->kn", problem.sensing.matrices, offset)
    shifted = ct.Problem.dense(np.asarray(problem.sensing.matrices), np.asarray(moved), offset=offset)
    for way in (bayes.given_subspaces, bayes.laplace):
        first = way(problem, truth, prior=prior, noise=SIGMA)
        second = way(shifted, turned, prior=other, noise=SIGMA)
        np.testing.assert_allclose(second.mean - offset, first.mean, atol=1e-9)
        np.testing.assert_allclose(second.errors, first.errors, rtol=1e-8)


def test_prior_and_noise_are_estimated_as_shrink_does():
    truth, problem, _, _ = drawn(num_samples=20)
    shrunk = ct.shrink(problem, truth)
    known, whole = bayes.given_subspaces(problem, truth), bayes.laplace(problem, truth)
    assert known.noise == whole.noise == float(shrunk.noise)
    # The cores of shrink are those of the last but one subspaces: they agree to its tolerance.
    np.testing.assert_allclose(known.mean, shrunk.factors.compose(), atol=1e-2)
    assert np.all(known.errors < whole.errors)
    assert known.reliable
    frame = whole.to_frame()
    assert len(frame) == USERS * 12
    assert (frame["lower"] < frame["mean"]).all()
    assert "unknowns learnt" in whole.summary()
    narrow = jax.tree.map(lambda part: part.astype(jnp.float32), (problem, truth))
    np.testing.assert_allclose(bayes.laplace(*narrow).errors, whole.errors, rtol=0.02)


def test_far_from_linear_it_is_flagged():
    truth, problem, prior, _ = drawn(noise=20.0)
    assert not bayes.laplace(problem, truth, prior=prior, noise=20.0).reliable


def test_what_has_no_posterior_is_refused():
    truth, problem, prior, _ = drawn()
    for tau in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match=r"tau .* is not above 0"):
            bayes.isotropic(np.ones(RANK), tau)
    with pytest.raises(ValueError, match="the mean core has shape"):
        bayes.isotropic(np.ones(3), 1.0)
    for noise in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"noise .* is not above 0"):
            bayes.given_subspaces(problem, truth, prior=prior, noise=noise)
    with pytest.raises(ValueError, match="the prior is of 4 entries, the cores of rank"):
        bayes.laplace(problem, truth, prior=bayes.isotropic(np.ones((2, 2)), 1.0), noise=SIGMA)
    flat = dataclasses.replace(prior, covariance=jnp.ones((2, 2)))
    with pytest.raises(ValueError, match="covariance of the prior is singular"):
        bayes.laplace(problem, truth, prior=flat, noise=SIGMA)
    fewer = ct.Factors(truth.left, truth.cores[:2], truth.right)
    with pytest.raises(ValueError, match="the fit has users"):
        bayes.laplace(problem, fewer, prior=prior, noise=SIGMA)
    posterior = bayes.given_subspaces(problem, truth, prior=prior, noise=SIGMA)
    with pytest.raises(ValueError, match="0 draws"):
        posterior.sample(jax.random.key(0), 0)
    with pytest.raises(ValueError, match=r"level 1\.0"):
        posterior.weights(1.0)
    with pytest.raises(ValueError, match="the measurements are of weights"):
        posterior.predictions(ct.Problem.dense(np.ones((2, 3, *SHAPE)), np.ones((2, 3))).sensing)

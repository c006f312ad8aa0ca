import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct

K, N, D1, D2, NOISE = 3, 40, 5, 4, 0.3
rng = np.random.default_rng(3)
TRUTH = ct.Factors(*map(jnp.asarray, (rng.standard_normal((D1, 2)), rng.standard_normal((K, 2, 2)), np.eye(D2)[:, :2])))
X = rng.standard_normal((K, N, D2)) * np.array([1.0, 3.0, 0.2, 1.0])
Y = np.einsum("kab,knb->kna", TRUTH.compose(), X) + NOISE * rng.standard_normal((K, N, D1))
SAMPLE_WEIGHTS = rng.uniform(0.5, 2.0, (K, N))


def gathered(*batches):
    moments = ct.OutputMoments(K, D1, D2)
    for batch in batches:
        moments.update(X[:, batch], Y[:, batch])
    return moments


def plain(X, Y, weights=None):
    """The problem of all samples, none compressed."""
    weights = np.ones(X.shape[:2]) if weights is None else weights
    sensing = ct.sensing.VectorOutput(jnp.asarray(X), Y.shape[2])
    return ct.Problem(sensing, jnp.asarray(Y.reshape(len(Y), -1)), jnp.repeat(jnp.asarray(weights), Y.shape[2], axis=1))


def factors(seed):
    keys = jax.random.split(jax.random.key(seed), 3)
    return ct.Factors(
        jax.random.normal(keys[0], (D1, 2)), jax.random.normal(keys[1], (K, 2, 2)), jax.random.normal(keys[2], (D2, 2))
    )


@pytest.mark.parametrize(
    ("compressed", "weights"),
    [
        (lambda: ct.Problem.vector_output(X, Y, sample_weights=SAMPLE_WEIGHTS), SAMPLE_WEIGHTS),
        (lambda: ct.Problem.vector_output([*X], [*Y]), None),
        (lambda: ct.Problem.from_moments(gathered(slice(0, 7), slice(7, N))), None),
    ],
    ids=["weighted", "sequence", "moments"],
)
def test_the_loss_of_virtual_samples_differs_by_a_constant(compressed, weights):
    problem, full = compressed(), plain(X, Y, weights)
    assert problem.sensing.num_samples == D2 * D1
    constants = [full.loss(factors(seed)) - problem.loss(factors(seed)) for seed in range(3)]
    np.testing.assert_allclose(constants, constants[0], rtol=1e-10)
    assert constants[0] > 0
    np.testing.assert_allclose(problem.moments(), full.moments(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        jnp.sum(problem.sample_weights, axis=1), jnp.sum(full.sample_weights, axis=1), rtol=1e-12
    )


def test_users_with_few_samples_lose_nothing():
    lengths = [N, 2, 0]
    ragged = [X[user, :n] for user, n in enumerate(lengths)], [Y[user, :n] for user, n in enumerate(lengths)]
    problem = ct.Problem.vector_output(*ragged)
    present = np.arange(N) < np.array(lengths)[:, None]
    full = plain(X, Y, present.astype(float))
    constants = [full.loss(factors(seed)) - problem.loss(factors(seed)) for seed in range(3)]
    np.testing.assert_allclose(constants, constants[0], rtol=1e-10)
    np.testing.assert_array_equal(np.count_nonzero(problem.sample_weights, axis=1), [D2 * D1, 2 * D1, 0])
    moments = ct.OutputMoments(K, D1, D2)
    moments.update(*ragged)
    same = ct.Problem.from_moments(moments)
    np.testing.assert_allclose(full.loss(factors(1)) - same.loss(factors(1)), constants[0], rtol=1e-10)


def test_an_offset_is_subtracted():
    offset = rng.standard_normal((D1, D2))
    for problem in (
        ct.Problem.vector_output(X, Y, offset=offset),
        ct.Problem.from_moments(gathered(slice(N)), offset=offset),
    ):
        rest = plain(X, Y - X @ offset.T)
        np.testing.assert_allclose(
            rest.loss(factors(1)) - problem.loss(factors(1)),
            rest.loss(factors(2)) - problem.loss(factors(2)),
            rtol=1e-9,
        )


def test_batches_and_merging_do_not_matter():
    whole, parts = gathered(slice(N)), gathered(slice(0, 7)).merge(gathered(slice(7, N)))
    by_user = ct.OutputMoments(K, D1, D2)
    for user in range(K):
        by_user.update(X[user], Y[user], user)
    for name in ("gram", "cross", "energy", "counts"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-13)
        np.testing.assert_array_equal(getattr(by_user, name), getattr(whole, name))


def test_noise_variance_is_that_of_least_squares():
    residuals = [np.linalg.lstsq(x, y)[1].sum() for x, y in zip(X, Y, strict=True)]
    expected = sum(residuals) / (K * D1 * (N - D2))
    np.testing.assert_allclose(gathered(slice(N)).noise_variance(), expected, rtol=1e-10)
    with pytest.raises(ValueError, match="more samples than its inputs have directions"):
        gathered(slice(D2)).noise_variance()


def test_a_bad_batch_changes_nothing():
    moments = gathered(slice(10))
    before = moments.gram.copy(), moments.counts.copy()
    bad = Y[:, 10:].copy()
    bad[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"Y of user 1 is nan at index \(2, 3\)"):
        moments.update(X[:, 10:], bad)
    with pytest.raises(ValueError, match="user 2 has 1 samples in X and 2 in Y"):
        moments.update(X[2, :1], Y[2, :2], 2)
    with pytest.raises(ValueError, match=r"user 3 is outside \[0, 2\]"):
        moments.update(X[2], Y[2], 3)
    with pytest.raises(ValueError, match=r"X of user 0 has shape \(5, 40\), expected \(n, 4\)"):
        moments.update(Y[0].T, Y[0], 0)
    with pytest.raises(ValueError, match="beyond the range of floats"):
        moments.update(1e200 * X, Y)
    with pytest.raises(TypeError, match="X of user 0 has dtype int64"):
        moments.update(X.astype(int), Y)
    np.testing.assert_array_equal(moments.gram, before[0])
    np.testing.assert_array_equal(moments.counts, before[1])
    moments.update(X[:, 10:], Y[:, 10:])
    np.testing.assert_allclose(moments.gram, gathered(slice(N)).gram, rtol=1e-13)


def test_float32_is_summed_in_float64():
    """2^24 + 1 is no float32: a sum that kept their precision would lose the small samples."""
    moments = ct.OutputMoments(1, 1, 1)
    inputs = np.array([[4096.0], [1.0]], np.float32)
    moments.update(inputs, inputs, 0)
    assert moments.gram[0, 0, 0] == moments.cross[0, 0, 0] == moments.energy[0] == 2.0**24 + 1


def test_no_samples_are_no_problem_but_an_error():
    with pytest.raises(ValueError, match="no user has a sample"):
        ct.Problem.from_moments(ct.OutputMoments(K, D1, D2))
    with pytest.raises(ValueError, match="num_rows 0 is below 1"):
        ct.OutputMoments(K, 0, D2)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct

K, N, D1, D2 = 3, 6, 5, 4
rng = np.random.default_rng(0)
A = rng.standard_normal((K, N, D1, D2))
Y = rng.standard_normal((K, N))


def shorten(lengths):
    return [a[:n] for a, n in zip(A, lengths, strict=True)], [y[:n] for y, n in zip(Y, lengths, strict=True)]


def random_factors(seed=0):
    keys = jax.random.split(jax.random.key(seed), 3)
    return ct.Factors(
        jax.random.normal(keys[0], (D1, 2)), jax.random.normal(keys[1], (K, 2, 2)), jax.random.normal(keys[2], (D2, 2))
    )


def test_loss_by_hand():
    weights, offset, factors = rng.uniform(0, 2, (K, N)), rng.standard_normal((D1, D2)), random_factors()
    problem = ct.Problem.dense(A, Y, sample_weights=weights, offset=offset)
    loss = 0.0
    for user in range(K):
        adapted = offset + np.asarray(factors.left @ factors.cores[user] @ factors.right.T)
        for sample in range(N):
            loss += 0.5 * weights[user, sample] * (Y[user, sample] - np.sum(A[user, sample] * adapted)) ** 2
    np.testing.assert_allclose(problem.loss(factors), loss, rtol=1e-12)


def test_unequal_users_are_padded_with_weight_zero():
    lengths = [6, 2, 4]
    ragged = ct.Problem.dense(*shorten(lengths))
    factors = random_factors()
    total = sum(
        ct.Problem.dense(A[user : user + 1, :n], Y[user : user + 1, :n]).loss(
            ct.Factors(factors.left, factors.cores[user : user + 1], factors.right)
        )
        for user, n in enumerate(lengths)
    )
    np.testing.assert_allclose(ragged.loss(factors), total, rtol=1e-12)
    np.testing.assert_array_equal(jnp.sum(ragged.sample_weights, axis=1), lengths)


def test_moments_are_unbiased_for_the_weights():
    """Five standard errors, entry by entry: an entry of M has variance (||W||^2 + W_ab^2) / n."""
    family = ct.TaskFamily(2, 4, 3, 2)
    samples = 20_000
    instance = ct.sample_instance(jax.random.key(3), family, samples)
    truth = instance.truth.compose()
    error = instance.problem.moments() - truth
    spread = jnp.sqrt((jnp.sum(truth**2, axis=(1, 2), keepdims=True) + truth**2) / samples)
    assert jnp.max(jnp.abs(error) / spread) < 5


def test_moments_of_a_user_without_samples_are_zero():
    weights = np.ones((K, N))
    weights[1] = 0
    moments = ct.Problem.dense(A, Y, sample_weights=weights).moments()
    assert not moments[1].any()
    assert jnp.isfinite(moments).all()


def test_split_users_keeps_everything():
    problem = ct.Problem.dense(A, Y, offset=rng.standard_normal((D1, D2)))
    factors = random_factors()
    losses = jax.vmap(lambda own, core: own.loss(ct.Factors(factors.left, core[None], factors.right)))(
        problem.split_users(), factors.cores
    )
    np.testing.assert_allclose(jnp.sum(losses), problem.loss(factors), rtol=1e-12)


def test_merge_users_keeps_everything():
    problem, factors = ct.Problem.dense(A, Y), random_factors()
    same = ct.Factors(factors.left, jnp.stack([factors.cores[0]] * K), factors.right)
    one = ct.Factors(factors.left, factors.cores[:1], factors.right)
    np.testing.assert_allclose(problem.merge_users().loss(one), problem.loss(same), rtol=1e-12)


def test_float32_stays_float32():
    problem = ct.Problem.dense(A.astype(np.float32), Y.astype(np.float32))
    assert problem.targets.dtype == problem.sensing.entries.dtype == problem.sample_weights.dtype == jnp.float32


def poisoned(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"A": A.astype(int)}, TypeError, "A has dtype int64"),
        ({"A": A.astype(np.float16)}, TypeError, "A has dtype float16"),
        ({"y": Y.astype(complex)}, TypeError, "y has dtype complex128"),
        ({"A": A[:2]}, ValueError, "A has 2 users, y has 3"),
        ({"y": Y[:, :5]}, ValueError, "user 0 has 6 samples in A and 5 in y"),
        ({"y": [Y[0], Y[1], Y[2][:4]], "A": list(A)}, ValueError, "user 2 has 6 samples in A and 4 in y"),
        ({"A": poisoned(A, (1, 2, 3, 0), np.nan)}, ValueError, r"A is nan at index \(1, 2, 3, 0\)"),
        ({"y": poisoned(Y, (2, 1), np.inf)}, ValueError, r"y is inf at index \(2, 1\)"),
        ({"A": [A[0], poisoned(A, (1, 0, 0, 0), np.nan)[1]], "y": list(Y[:2])}, ValueError, "A of user 1 is nan"),
        ({"A": A[:0], "y": Y[:0]}, ValueError, "0 users"),
        ({"A": [], "y": []}, ValueError, "0 users"),
        ({"A": A[:, :0], "y": Y[:, :0]}, ValueError, "no user has a sample"),
        ({"A": None}, TypeError, "'A'|A is NoneType"),
        ({"A": A[..., :0]}, ValueError, "each side must be at least 1"),
        ({"A": A[0]}, ValueError, "4 axes are needed"),
        ({"A": [A[0], A[1][:, :3], A[2]], "y": list(Y)}, ValueError, "A of user 1 has shape"),
        ({"sample_weights": poisoned(np.ones((K, N)), (1, 1), -2.0)}, ValueError, "user 1, sample 1 is -2.0 < 0"),
        ({"sample_weights": np.ones((K, N - 1))}, ValueError, "in sample_weights"),
        ({"offset": np.zeros((D2, D1))}, ValueError, "offset has shape"),
    ],
)
def test_bad_data_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ct.Problem.dense(**({"A": A, "y": Y} | arguments))


def test_too_few_samples_for_a_core_warn():
    problem = ct.Problem.dense(*shorten([6, 3, 2]))
    with pytest.warns(ct.IdentifiabilityWarning, match="needs 4 measurements.*user 1 has 3, user 2 has 2"):
        problem.warn_if_unidentifiable(2)
    problem.warn_if_unidentifiable(1)

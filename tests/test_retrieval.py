"""New users by similarity to the old ones."""

import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.retrieval import retrieve

USERS, SHAPE, RANK = 6, (5, 4), (2, 2)
WAYS = ("residuals", "cores", "moments")


def drawn(num_samples=12, noise=0.0, seed=0, spread=0.0):
    """Users of two groups with one core each, but for a spread: factors, their data, and a generator for more."""
    rng = np.random.default_rng(seed)
    left, right = rng.standard_normal((SHAPE[0], 2)), rng.standard_normal((SHAPE[1], 2))
    groups = rng.standard_normal((2, *RANK))
    cores = groups[np.arange(USERS) % 2] + spread * rng.standard_normal((USERS, *RANK))
    weights = np.einsum("ar,krs,bs->kab", left, cores, right)
    A = rng.standard_normal((USERS, num_samples, *SHAPE))
    y = np.einsum("knab,kab->kn", A, weights) + noise * rng.standard_normal((USERS, num_samples))
    factors = ct.Factors(*(jnp.asarray(each) for each in (left, cores, right)))
    return factors, ct.Problem.dense(A, y), weights, rng


def data_of(weights, count, rng, noise=0.0):
    A = rng.standard_normal((count, *SHAPE))
    return A, np.einsum("nab,ab->n", A, weights) + noise * rng.standard_normal(count)


@pytest.mark.parametrize("by", WAYS)
def test_a_user_of_a_group_gets_the_core_of_the_group(by):
    """Three measurements do not determine four entries, but tell two groups apart; the old users choose the number."""
    factors, old, weights, rng = drawn()
    found = retrieve(factors, old, *data_of(weights[1], 3, rng), by=by)
    assert found.neighbours <= 3
    assert set(np.flatnonzero(found.shares)) <= {1, 3, 5}
    np.testing.assert_allclose(found.weights, weights[1], atol=1e-12)
    np.testing.assert_allclose(found.core, factors.cores[1], atol=1e-12)


@pytest.mark.parametrize("by", WAYS)
def test_one_measurement_is_enough_to_begin_with(by):
    factors, old, weights, rng = drawn()
    found = retrieve(factors, old, *data_of(weights[0], 1, rng), by=by, neighbours=1)
    assert found.shares.sum() == 1
    assert found.distances[[0, 2, 4]].max() < 1e-12 < found.distances[[1, 3, 5]].min()


@pytest.mark.parametrize("by", WAYS)
def test_bases_and_a_frozen_weight_change_nothing(by):
    factors, old, weights, rng = drawn(spread=0.5)
    A, y = data_of(weights[3] + 0.1, 3, rng)
    turn = jnp.asarray(rng.standard_normal((2, 2)))
    turned = ct.Factors(factors.left @ jnp.linalg.inv(turn), turn @ factors.cores, factors.right)
    offset = rng.standard_normal(SHAPE)
    shifted = ct.Problem.dense(
        np.asarray(old.sensing.matrices),
        np.asarray(old.targets + jnp.einsum("knab,ab->kn", old.sensing.matrices, offset)),
        offset=offset,
    )
    first = retrieve(factors, old, A, y, by=by)
    second = retrieve(turned, shifted, A, y + np.einsum("nab,ab->n", A, offset), by=by)
    np.testing.assert_allclose(second.distances, first.distances, atol=1e-9)
    np.testing.assert_array_equal(second.shares, first.shares)
    np.testing.assert_allclose(second.weights - offset, first.weights, atol=1e-9)


def test_the_number_of_neighbours_is_that_which_serves_the_old_users_best():
    factors, old, weights, rng = drawn(noise=0.3, spread=0.3)
    A, y = data_of(weights[0], 5, rng)
    orthonormal = factors.orthonormalize()
    left, cores, right = (np.asarray(getattr(orthonormal, name)) for name in ("left", "cores", "right"))
    losses = np.zeros(USERS - 1)
    for user in range(USERS):
        others = [each for each in range(USERS) if each != user]
        matrices, own = np.asarray(old.sensing.matrices)[user, :5], np.asarray(old.targets)[user, :5]
        predicted = np.einsum("nab,ar,krs,bs->kn", matrices, left, cores[others], right)
        order = np.argsort(np.mean((own - predicted) ** 2, axis=1))
        for count in range(1, USERS):
            mean = cores[others][order[:count]].mean(axis=0)
            losses[count - 1] += np.sum((mean - cores[user]) ** 2)
    assert retrieve(factors, old, A, y).neighbours == np.argmin(losses) + 1


def test_with_all_neighbours_it_is_the_mean_core():
    factors, old, weights, rng = drawn(spread=1.0)
    found = retrieve(factors, old, *data_of(weights[0], 4, rng), neighbours=USERS)
    np.testing.assert_allclose(found.core, factors.cores.mean(axis=0), atol=1e-12)


def test_what_cannot_be_retrieved_from_is_refused():
    factors, old, weights, rng = drawn()
    A, y = data_of(weights[0], 3, rng)
    for keywords, message in (
        ({"by": "names"}, "by 'names' is not one of residuals, cores, moments"),
        ({"neighbours": 7}, "neighbours 7 is not in 1 .. 6"),
        ({"neighbours": 0}, "neighbours 0 is not in 1 .. 6"),
        ({"sample_weights": np.zeros(3)}, "the new user has 0 measurements"),
    ):
        with pytest.raises(ValueError, match=message.replace("..", r"\.\.")):
            retrieve(factors, old, A, y, **keywords)
    with pytest.raises(ValueError, match="the new user's weights are"):
        retrieve(factors, old, A[:, :3], y)
    alone = ct.Factors(factors.left, factors.cores[:1], factors.right)
    with pytest.raises(ValueError, match="the old problem has 6 users, the fit 1"):
        retrieve(alone, old, A, y)
    one = ct.Problem.dense(np.asarray(old.sensing.matrices)[:1], np.asarray(old.targets)[:1])
    with pytest.raises(ValueError, match="give neighbours=1"):
        retrieve(alone, one, A, y)
    assert retrieve(alone, one, A, y, neighbours=1).neighbours == 1
    personal = ct.PersonalFactors(
        *(jnp.repeat(part[None], 6, 0) for part in (factors.left,)),
        factors.cores,
        jnp.repeat(factors.right[None], 6, 0),
    )
    with pytest.raises(TypeError, match="shared subspaces are needed"):
        retrieve(personal, old, A, y)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.factors import check_rank


def draw(seed, users=4, rows=6, cols=5, rank=(3, 2)):
    keys = jax.random.split(jax.random.key(seed), 3)
    return ct.Factors(
        jax.random.normal(keys[0], (rows, rank[0])),
        jax.random.normal(keys[1], (users, *rank)),
        jax.random.normal(keys[2], (cols, rank[1])),
    )


def test_compose_user_by_user():
    factors = draw(0)
    for user, weights in enumerate(factors.compose()):
        np.testing.assert_allclose(weights, factors.left @ factors.cores[user] @ factors.right.T, rtol=1e-12)


def test_personal_compose_user_by_user():
    shared = draw(0)
    lefts = jnp.stack([draw(seed).left for seed in range(4)])
    rights = jnp.stack([draw(seed).right for seed in range(4)])
    personal = ct.PersonalFactors(lefts, shared.cores, rights)
    for user, weights in enumerate(personal.compose()):
        np.testing.assert_allclose(weights, lefts[user] @ shared.cores[user] @ rights[user].T, rtol=1e-12)


def test_compose_of_numpy_arrays_stays_numpy_and_exact():
    factors = jax.tree.map(np.asarray, draw(0))
    with jax.enable_x64(False):
        weights = factors.compose()
    assert isinstance(weights, np.ndarray)
    np.testing.assert_allclose(weights, draw(0).compose(), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("change", ["orthonormalize", "balance"])
def test_a_change_of_basis_keeps_the_weights(change):
    factors = draw(1)
    np.testing.assert_allclose(getattr(factors, change)().compose(), factors.compose(), rtol=1e-12, atol=1e-12)


def test_orthonormalize():
    factors = draw(1).orthonormalize()
    np.testing.assert_allclose(factors.left.T @ factors.left, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(factors.right.T @ factors.right, np.eye(2), atol=1e-14)


def test_balance_gives_all_blocks_one_scale():
    balanced = draw(2).balance()
    stacked = np.moveaxis(np.asarray(balanced.cores), 1, 0).reshape(3, -1)
    largest = np.linalg.norm(stacked, 2)
    np.testing.assert_allclose(np.linalg.norm(balanced.left, 2), largest, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(balanced.right, 2), largest, rtol=1e-12)


@pytest.mark.parametrize(
    ("rank", "users", "message"),
    [
        (30, 4, "rank 30 exceeds min"),
        ((2, 6), 4, "exceeds"),
        ((3, 1), 2, "more than 2 core"),
        (0, 4, "rank 0"),
        ((1, 2, 3), 4, "neither"),
    ],
)
def test_impossible_ranks_are_named(rank, users, message):
    with pytest.raises(ValueError, match=message):
        check_rank(rank, users, 6, 5)


def test_cores_of_all_users_together_span():
    assert check_rank((3, 1), 3, 6, 5) == (3, 1)

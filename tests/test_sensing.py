"""The contract of every measurement operator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.registries import SENSING

USERS, SAMPLES, ROWS, COLS, R1, R2 = 3, 8, 5, 4, 3, 2
WEIGHTS = (USERS, ROWS, COLS)


@pytest.fixture(params=SENSING, ids=str)
def operator(request, key):
    return SENSING[request.param](key, USERS, SAMPLES, ROWS, COLS)


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def dense_matrix(linear, *shape):
    """The matrix of a linear map of arrays of the given shape, column by column."""
    basis = jnp.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.stack([np.ravel(linear(element)) for element in basis], axis=1)


def test_shapes(operator):
    assert operator.weights_shape == WEIGHTS
    assert operator.num_samples == SAMPLES
    assert operator(normal(1, *WEIGHTS)).shape == (USERS, SAMPLES)


def test_users_do_not_mix(operator):
    only_one = normal(1, *WEIGHTS).at[jnp.array([0, 2])].set(0.0)
    measured = operator(only_one)
    assert not measured[jnp.array([0, 2])].any()
    assert measured[1].all()


def test_adjoint_by_dot_test(operator):
    weights, measurements = normal(1, *WEIGHTS), normal(2, USERS, SAMPLES)
    forward = jnp.vdot(operator(weights), measurements)
    backward = jnp.vdot(weights, operator.adjoint(measurements))
    np.testing.assert_allclose(forward, backward, rtol=1e-13)


def test_adjoint_is_the_linear_transpose(operator):
    measurements = normal(2, USERS, SAMPLES)
    (expected,) = jax.linear_transpose(operator, jnp.zeros(WEIGHTS))(measurements)
    np.testing.assert_allclose(operator.adjoint(measurements), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("side", ["right", "left"])
def test_restriction_is_the_operator_on_products(operator, side):
    scale = jnp.abs(normal(3, USERS, SAMPLES))
    if side == "right":
        fixed, products = normal(1, COLS, R2), normal(2, USERS, ROWS, R2)
        restriction = operator.restrict_right(fixed, scale)
        weights = jnp.einsum("kar,br->kab", products, fixed)
    else:
        fixed, products = normal(1, ROWS, R1), normal(2, USERS, COLS, R1)
        restriction = operator.restrict_left(fixed, scale)
        weights = jnp.einsum("ar,kbr->kab", fixed, products)
    np.testing.assert_allclose(restriction(products), scale * operator(weights), rtol=1e-12, atol=1e-13)
    measurements = normal(4, USERS, SAMPLES)
    (expected,) = jax.linear_transpose(restriction, products)(measurements)
    np.testing.assert_allclose(restriction.adjoint(measurements), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("side", ["right", "left"])
def test_block_systems_against_dense_jacobians(operator, side):
    scale, residual = jnp.abs(normal(3, USERS, SAMPLES)), normal(4, USERS, SAMPLES)
    left, right, cores = normal(5, ROWS, R1), normal(6, COLS, R2), normal(7, USERS, R1, R2)
    if side == "right":
        restriction, free, seen = operator.restrict_right(right, scale), left, cores
    else:
        restriction, free, seen = operator.restrict_left(left, scale), right, cores.mT

    factor_jacobian = dense_matrix(
        lambda transposed: restriction(jnp.einsum("pa,kpr->kar", transposed, seen)), *free.T.shape
    )
    system = restriction.factor_system(seen, residual)
    np.testing.assert_allclose(system.normal, factor_jacobian.T @ factor_jacobian, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(system.descent, factor_jacobian.T @ np.ravel(residual), rtol=1e-11, atol=1e-11)

    core_jacobian = dense_matrix(lambda core: restriction(jnp.einsum("ap,kpr->kar", free, core)), *seen.shape)
    systems = restriction.core_system(free, residual)
    size = R1 * R2
    full = core_jacobian.T @ core_jacobian
    for user in range(USERS):
        block = slice(user * size, (user + 1) * size)
        np.testing.assert_allclose(systems.normal[user], full[block, block], rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(np.ravel(systems.descent), core_jacobian.T @ np.ravel(residual), rtol=1e-11, atol=1e-11)


def test_split_and_merge_users(operator):
    weights = normal(1, *WEIGHTS)
    together = operator(weights)
    each = jax.vmap(lambda own, own_weights: own(own_weights[None])[0])(operator.split_users(), weights)
    np.testing.assert_allclose(each, together, rtol=1e-13, atol=1e-13)
    one = weights[:1]
    merged = operator.merge_users()
    assert merged.weights_shape == (1, ROWS, COLS)
    np.testing.assert_allclose(
        merged(one).reshape(USERS, SAMPLES), operator(jnp.broadcast_to(one, WEIGHTS)), rtol=1e-13, atol=1e-13
    )


def test_vmap_equals_a_loop(operator):
    weights = normal(1, 4, *WEIGHTS)
    batched = jax.vmap(operator)(weights)
    for lane in range(4):
        np.testing.assert_allclose(batched[lane], operator(weights[lane]), rtol=1e-13, atol=1e-13)

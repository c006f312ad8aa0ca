"""The contract of every measurement operator."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colora_theory.sensing import EntryMask, VectorOutput
from colora_theory.sensing.base import SketchRestriction
from tests.registries import SENSING, dense_oracle

USERS, SAMPLES, ROWS, COLS, R1, R2 = 3, 10, 5, 4, 3, 2
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


@pytest.mark.parametrize("count", [1, 7])
def test_fewer_samples_are_the_first_ones(operator, count):
    fewer, weights = operator.take_samples(count), normal(1, *operator.weights_shape)
    assert count <= fewer.num_samples < count + ROWS
    np.testing.assert_allclose(fewer(weights), operator(weights)[:, : fewer.num_samples], rtol=1e-13)


def test_fewer_users_are_those_named(operator):
    weights, users = normal(1, *operator.weights_shape), operator.sample_users(2)
    fewer = operator.take_users(users)
    assert fewer.weights_shape[0] == 2
    np.testing.assert_allclose(fewer(weights[users]), operator(weights)[users], rtol=1e-13)


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


@pytest.mark.parametrize(("axes", "size"), [("arkn", COLS), ("rakn", ROWS)])
def test_a_square_factor_needs_no_copy_of_the_data(axes, size, key):
    operator = SENSING["dense"](key, USERS, SAMPLES, ROWS, COLS)
    scale, factor = jnp.abs(normal(3, USERS, SAMPLES)), normal(4, size, size)
    if axes == "arkn":
        restriction, free = operator.restrict_right(factor, scale), normal(5, ROWS, R1)
        sketch = jnp.einsum("abkn,br->arkn", operator.entries, factor)
    else:
        restriction, free = operator.restrict_left(factor, scale), normal(5, COLS, R1)
        sketch = jnp.einsum("abkn,ar->rbkn", operator.entries, factor)
    expected = SketchRestriction(sketch * scale[None, None], axes)
    cores, products = normal(6, USERS, R1, size), normal(7, USERS, len(free), size)
    measurements = normal(8, USERS, SAMPLES)
    assert jax.tree.leaves(restriction)[0] is operator.entries
    for found, wanted in (
        (restriction(products), expected(products)),
        (restriction.adjoint(measurements), expected.adjoint(measurements)),
        (restriction.core_design(free), expected.core_design(free)),
        (restriction.factor_design(cores), expected.factor_design(cores)),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


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


@pytest.mark.parametrize("side", ["right", "left"])
def test_every_structured_product_is_that_of_dense_matrices(operator, side):
    """Scales that differ within a sample, too."""
    scale, residual = jnp.abs(normal(3, USERS, SAMPLES)), normal(4, USERS, SAMPLES)
    left, right, cores = normal(5, ROWS, R1), normal(6, COLS, R2), normal(7, USERS, R1, R2)

    def systems(sensing):
        at_right, at_left = sensing.restrict_right(right, scale), sensing.restrict_left(left, scale)
        if side == "left":
            design = at_left.core_design(right)
            joint = at_left.joint_system(at_right, design, residual, cores.mT, cores)
            return at_left.factor_design(cores.mT), design, joint, at_left.core_system(right, residual)
        design = at_right.core_design(left)
        joint = at_right.joint_system(at_left, design, residual, cores, 0.5 * cores.mT)
        return at_right.factor_design(cores), design, joint, at_right.core_system(left, residual)

    for ours, expected in zip(
        jax.tree.leaves(systems(operator)), jax.tree.leaves(systems(dense_oracle(operator))), strict=True
    ):
        np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-11)


def test_pooled_adjoint_is_the_sum_over_users(operator):
    measurements = normal(2, 2, USERS, SAMPLES)
    expected = jnp.stack([jnp.sum(operator.adjoint(each), axis=0) for each in measurements])
    np.testing.assert_allclose(operator.pooled_adjoint(measurements), expected, rtol=1e-12, atol=1e-13)


def test_first_samples(operator):
    weights = normal(1, *WEIGHTS)
    few = operator.take_samples(ROWS)
    np.testing.assert_allclose(few(weights), operator(weights)[:, :ROWS], rtol=1e-13, atol=1e-13)


def test_other_sides(operator):
    row_map, col_map, weights = normal(1, ROWS, ROWS), normal(2, COLS, COLS), normal(3, *WEIGHTS)
    if isinstance(operator, EntryMask):
        with pytest.raises(ValueError, match="no other sides"):
            operator.transform_sides(row_map)
        return
    if isinstance(operator, VectorOutput):
        with pytest.raises(ValueError, match="columns to transform only"):
            operator.transform_sides(row_map)
        row_map = None
    mapped = weights if row_map is None else jnp.einsum("ac,kcb->kab", row_map, weights)
    mapped = jnp.einsum("kab,cb->kac", mapped, col_map)
    transformed = operator.transform_sides(row_map, col_map)
    np.testing.assert_allclose(transformed(weights), operator(mapped), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["dense", "rank-one", "vector-output", "entry-mask"])
def test_moments_are_unbiased(name, key):
    """Many users of the same weights, five standard errors of their mean."""
    users = 2000
    operator, weights = SENSING[name](key, users, 8, ROWS, COLS), normal(1, ROWS, COLS)
    targets = operator(jnp.broadcast_to(weights, (users, ROWS, COLS)))
    moments = operator.moments(targets, jnp.ones_like(targets))
    error = jnp.mean(moments, axis=0) - weights
    spread = jnp.std(moments, axis=0) / users**0.5
    assert jnp.max(jnp.abs(error) / spread) < 5


def test_rows_sampled_too_often_count_less():
    """One row with half of the entries: its moments come down to twice the average weight, all others stay."""
    rows, cols = jnp.array([[0, 0, 0, 0, 1, 2, 3, 4]]), jnp.array([[0, 1, 2, 3, 0, 1, 2, 3]])
    operator = EntryMask(rows, cols, (ROWS, COLS))
    ones = jnp.ones((1, 8))
    full = 20 / 8 * operator.adjoint(ones)
    np.testing.assert_allclose(operator.moments(ones, ones)[0, 0], full[0, 0] * 2 * (8 / ROWS) / 4, rtol=1e-14)
    np.testing.assert_allclose(operator.moments(ones, ones)[0, 1:], full[0, 1:], rtol=1e-14)

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import TangentGram, core_isometry, isometry, isometry_constant, spread_isometry_bound

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def instance():
    return ct.sample_instance(KEY, ct.TaskFamily(4, 6, 5, 2), 30)


def test_the_constant_is_that_of_the_dense_matrix(instance, monkeypatch):
    values = np.linalg.eigvalsh(TangentGram.at(instance.problem, instance.truth).dense()) / 30
    expected = max(values[-1] - 1, 1 - values[0])
    np.testing.assert_allclose(isometry_constant(instance.problem, instance.truth), expected, rtol=1e-10)
    monkeypatch.setattr(isometry, "_DENSE", 0)
    np.testing.assert_allclose(isometry_constant(instance.problem, instance.truth), expected, rtol=1e-5)


def test_the_scale_of_the_weights_does_not_matter(instance):
    problem = instance.problem
    scales = jnp.array([0.1, 1.0, 5.0, 1e3])[:, None]
    scaled = ct.Problem(problem.sensing, problem.targets, scales * problem.sample_weights)
    np.testing.assert_allclose(
        isometry_constant(scaled, instance.truth), isometry_constant(problem, instance.truth), rtol=1e-9
    )


def test_an_unseen_direction_costs_everything(instance):
    problem = instance.problem
    silent = ct.Problem(problem.sensing, problem.targets, problem.sample_weights.at[1].set(0.0))
    assert isometry_constant(silent, instance.truth) >= 1
    assert core_isometry(silent, instance.truth)[1] == 1
    assert (np.delete(core_isometry(silent, instance.truth), 1) < 1).all()


def test_more_samples_make_it_smaller():
    family = ct.TaskFamily(4, 6, 5, 2)
    constants = [
        isometry_constant(drawn.problem, drawn.truth)
        for drawn in (ct.sample_instance(KEY, family, n) for n in (40, 160, 640))
    ]
    # It goes with one over the root.
    for more, fewer in zip(constants[1:], constants, strict=False):
        assert 0.35 < more / fewer < 0.7


def test_the_bound_is_attained_by_a_tuple_and_above_random_ones(instance):
    """No tuple of the class may be distorted by more than the true constant, and the ascent must beat chance."""
    problem = instance.problem
    bound = spread_isometry_bound(problem, 2, key=KEY)

    def distortion(key):
        left, core, right = jax.random.split(key, 3)
        cores = jax.random.normal(core, (4, 2, 2))
        cores = cores / jnp.linalg.norm(cores, axis=(1, 2), keepdims=True)
        weights = ct.Factors(
            jnp.linalg.qr(jax.random.normal(left, (6, 2)))[0], cores, jnp.linalg.qr(jax.random.normal(right, (5, 2)))[0]
        ).compose()
        return jnp.abs(jnp.sum(jnp.square(problem.sensing(weights))) / (30 * 4) - 1)

    chance = jax.vmap(distortion)(jax.random.split(KEY, 200))
    assert bound > jnp.max(chance)
    # The operator norm over all of weight space is larger than over any class of tuples.
    flat = np.asarray(problem.sensing.matrices).reshape(4, 30, 30)
    worst = max(np.abs(np.linalg.eigvalsh(user.T @ user / 30) - 1).max() for user in flat)
    assert bound <= worst


def test_for_one_user_of_rank_one_it_is_the_true_extreme():
    """Against a grid over all unit vectors: two dimensions each side."""
    drawn = ct.sample_instance(jax.random.key(3), ct.TaskFamily(1, 2, 2, 1), 12)
    matrices = np.asarray(drawn.problem.sensing.matrices)[0]
    angles = np.linspace(0, np.pi, 721)
    vectors = np.stack([np.cos(angles), np.sin(angles)])
    values = np.mean(np.einsum("nab,ax,by->nxy", matrices, vectors, vectors) ** 2, axis=0)
    np.testing.assert_allclose(spread_isometry_bound(drawn.problem, 1, key=KEY), np.abs(values - 1).max(), rtol=1e-3)


def test_all_tuples_are_no_easier_for_many_users():
    """A single user's own constant does not know how many others there are; on the tangent space they help."""
    family = [ct.TaskFamily(k, 8, 8, 1) for k in (2, 32)]
    drawn = [ct.sample_instance(KEY, each, 16) for each in family]
    alone = [
        max(
            spread_isometry_bound(jax.tree.map(lambda leaf, i=i: leaf[i], one.problem.split_users()), 1, key=KEY)
            for i in range(2)
        )
        for one in drawn
    ]
    tangent = [isometry_constant(one.problem, one.truth) for one in drawn]
    assert alone[1] > 0.8 * alone[0]
    assert tangent[1] < tangent[0]
    assert alone[1] > 1

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colora_theory.grassmann import orthonormal_basis, principal_sines, random_subspace, rotate


def test_random_subspaces_are_uniform(key):
    """The mean projector is (r/d) I; entries of one projector have standard deviation below 1/2."""
    draws = 2000
    bases = jax.vmap(lambda k: random_subspace(k, 5, 2))(jax.random.split(key, draws))
    mean = jnp.einsum("kar,kbr->ab", bases, bases) / draws
    np.testing.assert_allclose(mean, 2 / 5 * np.eye(5), atol=5 * 0.5 / np.sqrt(draws))


@settings(deadline=None, max_examples=25)
@given(sine=st.floats(0, 1), seed=st.integers(0, 1000), shape=st.sampled_from([(6, 2), (5, 3), (4, 1)]))
def test_rotate_has_the_largest_angle_asked_for(sine, seed, shape):
    first, second = jax.random.split(jax.random.key(seed))
    basis = random_subspace(first, *shape)
    turned = rotate(second, basis, jnp.asarray(sine))
    np.testing.assert_allclose(turned.T @ turned, np.eye(shape[1]), atol=1e-12)
    np.testing.assert_allclose(principal_sines(basis, turned)[0], sine, atol=1e-12)


def test_rotate_moves_along_a_geodesic_and_not_within_the_subspace(key):
    """The shortest way: U^T U(t) stays symmetric positive semidefinite, and is the identity at the start.

    A turn of the basis on top would be no change of the subspace, but would scramble cores that belong to it.
    """
    basis = random_subspace(jax.random.key(1), 7, 3)
    np.testing.assert_allclose(rotate(key, basis, jnp.asarray(0.0)), basis, atol=1e-14)
    overlap = basis.T @ rotate(key, basis, jnp.asarray(0.8))
    np.testing.assert_allclose(overlap, overlap.T, atol=1e-14)
    assert jnp.linalg.eigvalsh(overlap)[0] > 0


def test_rotate_of_the_whole_space_is_the_identity(key):
    basis = random_subspace(key, 4, 4)
    np.testing.assert_array_equal(rotate(key, basis, jnp.asarray(0.5)), basis)


@pytest.mark.parametrize("sine", [1e-3, 1e-9, 1e-13])
def test_tiny_angles_are_seen(key, sine):
    basis = random_subspace(jax.random.key(1), 20, 3)
    turned = rotate(key, basis, jnp.asarray(sine))
    np.testing.assert_allclose(principal_sines(basis, turned)[0], sine, rtol=1e-2)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000))
def test_sines_are_basis_invariant(seed):
    keys = jax.random.split(jax.random.key(seed), 4)
    first, second = random_subspace(keys[0], 7, 3), random_subspace(keys[1], 7, 2)
    changed = orthonormal_basis(first @ jax.random.normal(keys[2], (3, 3)))
    again = orthonormal_basis(second @ jax.random.normal(keys[3], (2, 2)))
    np.testing.assert_allclose(principal_sines(first, second), principal_sines(changed, again), atol=1e-12)

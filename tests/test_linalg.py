import jax
import jax.numpy as jnp
import numpy as np
import pytest

from colora_theory.linalg import combine_slices, mix_slices


@pytest.mark.parametrize("count", [1, 8, 11])
def test_combined_slices_are_the_einsum(count, key):
    first, second = jax.random.split(key)
    weights, slices = jax.random.normal(first, (3, count)), jax.random.normal(second, (count, 3, 5))
    expected = jnp.einsum("km,mkn->kn", weights, slices)
    np.testing.assert_allclose(combine_slices(weights, slices), expected, rtol=1e-13, atol=1e-13)


def test_combining_slices_outside_of_a_program_again_compiles_nothing():
    """An operator applied to one set of weights after the other, as by intervals and by drawn data."""
    weights, slices = jnp.ones((3, 11)), jnp.ones((11, 3, 5))
    combine_slices(weights, slices)
    with jax.no_tracing():
        combine_slices(weights, slices)


def test_mixed_slices_are_the_einsum(key):
    first, second = jax.random.split(key)
    matrix, slices = jax.random.normal(first, (4, 2)), jax.random.normal(second, (3, 4, 6))
    expected = jnp.einsum("ap,bam->bpm", matrix, slices)
    np.testing.assert_allclose(mix_slices(matrix, slices), expected, rtol=1e-13, atol=1e-13)


def test_slices_are_combined_without_a_copy_of_them():
    """The einsum transposes them first, which takes longer than all the rest."""
    weights, slices = jnp.ones((4, 64)), jnp.ones((64, 4, 100))
    compiled = jax.jit(combine_slices).lower(weights, slices).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < slices.nbytes / 4

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.grassmann import principal_sines
from colora_theory.synthetic import condition_cores


def stacks(cores):
    cores = np.asarray(cores)
    return np.moveaxis(cores, 1, 0).reshape(cores.shape[1], -1), cores.reshape(-1, cores.shape[2])


def test_noiseless_data_fit_the_truth(instance):
    assert instance.problem.loss(instance.truth) < 1e-24


def test_noise_is_a_standard_deviation(key):
    family = ct.TaskFamily(20, 4, 4, 2)
    samples = 500
    instance = ct.sample_instance(key, family, samples, noise=0.3)
    residual = instance.problem.residual(instance.truth)
    # The variance of a sample variance is 2 sigma^4 / N.
    np.testing.assert_allclose(jnp.mean(residual**2), 0.3**2, atol=5 * 0.3**2 * np.sqrt(2 / (20 * samples)))


@pytest.mark.parametrize("similarity", [0.0, 0.4, 1.0])
def test_similarity_is_the_correlation_of_cores(similarity):
    family = ct.TaskFamily(2, 4, 4, 2, similarity=similarity)
    draws = 3000
    cores = jax.vmap(lambda k: family.sample_truth(k).cores)(jax.random.split(jax.random.key(1), draws))
    entries = draws * 4
    # Products of two unit normals have a standard deviation of at most sqrt(2).
    np.testing.assert_allclose(jnp.mean(cores[:, 0] * cores[:, 1]), similarity, atol=5 * np.sqrt(2 / entries))
    np.testing.assert_allclose(jnp.mean(cores**2), 1.0, atol=5 * np.sqrt(2 / entries))


@pytest.mark.parametrize("condition_number", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("rank", [(2, 2), (3, 2)])
def test_condition_number_of_both_stacks(key, condition_number, rank):
    family = ct.TaskFamily(6, 8, 7, rank, similarity=0.2, condition_number=condition_number)
    truth = family.sample_truth(key)
    for stack in stacks(truth.cores):
        values = np.linalg.svd(stack, compute_uv=False)
        np.testing.assert_allclose(values[0] / values[-1], condition_number, rtol=1e-6)


def test_conditioning_keeps_the_scale(key):
    cores = jax.random.normal(key, (5, 2, 3))
    np.testing.assert_allclose(jnp.sum(condition_cores(cores, 7.0) ** 2), jnp.sum(cores**2), rtol=1e-12)


@pytest.mark.parametrize("sine", [0.0, 0.3, 1.0])
def test_misalignment_is_the_largest_sine_of_every_user(key, sine):
    family = ct.TaskFamily(4, 9, 8, (3, 2), misalignment=sine)
    aligned = ct.TaskFamily(4, 9, 8, (3, 2)).sample_truth(key)
    truth = family.sample_truth(key)
    assert isinstance(truth, ct.PersonalFactors)
    for user in range(4):
        np.testing.assert_allclose(principal_sines(aligned.left, truth.left[user])[0], sine, atol=1e-12)
        np.testing.assert_allclose(principal_sines(aligned.right, truth.right[user])[0], sine, atol=1e-12)
    if sine > 0:
        assert principal_sines(truth.left[0], truth.left[1])[0] > 0.1 * sine, "every user turns its own way"


def test_samples_beyond_num_samples_have_no_weight(key):
    family = ct.TaskFamily(3, 4, 4, 2)
    instance = ct.sample_instance(key, family, 5, capacity=8)
    np.testing.assert_array_equal(instance.problem.sample_weights, np.broadcast_to(np.arange(8) < 5, (3, 8)))
    unequal = ct.sample_instance(key, family, jnp.array([1, 8, 4]), capacity=8)
    np.testing.assert_array_equal(jnp.sum(unequal.problem.sample_weights, axis=1), [1, 8, 4])


def test_another_value_of_a_knob_compiles_nothing(key):
    ct.sample_instance(key, ct.TaskFamily(3, 5, 4, 2, similarity=0.1), 6, 0.1, capacity=8)
    with jax.log_compiles(False), jax.no_tracing():
        ct.sample_instance(key, ct.TaskFamily(3, 5, 4, 2, similarity=0.9), 7, 0.5, capacity=8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"similarity": 1.5}, r"similarity 1.5 is outside \[0, 1\]"),
        ({"misalignment": -0.1}, r"misalignment -0.1 is outside \[0, 1\]"),
        ({"condition_number": 0.5}, "condition_number 0.5 is below 1"),
        ({"num_users": 0}, "num_users 0 is below 1"),
        ({"rank": 6}, "rank 6 exceeds"),
    ],
)
def test_bad_families_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ct.TaskFamily(**({"num_users": 3, "num_rows": 5, "num_cols": 4, "rank": 2} | arguments))


def test_bad_sample_sizes_are_named(key):
    family = ct.TaskFamily(3, 5, 4, 2)
    with pytest.raises(ValueError, match=r"num_samples 9 is outside \[1, capacity = 8\]"):
        ct.sample_instance(key, family, 9, capacity=8)
    with pytest.raises(ValueError, match="capacity"):
        ct.sample_instance(key, family, jnp.array([1, 2, 3]))

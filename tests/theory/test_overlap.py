import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import start_overlap


def test_with_one_user_it_is_the_formula_of_benaych_georges_and_nadakuditi():
    d1, d2, n = 60, 90, 400
    core = np.diag([3.0, 2.0])[None]
    variance = np.sum(core**2) / n
    theta, c = np.array([3.0, 2.0]) / np.sqrt(variance * d2), d1 / d2
    left = 1 - c * (1 + theta**2) / (theta**2 * (theta**2 + c))
    right = 1 - (c + theta**2) / (theta**2 * (theta**2 + 1))
    for start in ("stacked", "pooled"):
        overlap = start_overlap(core, d1, d2, n, start=start)
        np.testing.assert_allclose(overlap.left, left, rtol=1e-6)
        np.testing.assert_allclose(overlap.right, right, rtol=1e-6)


def test_below_the_threshold_nothing_is_found():
    overlap = start_overlap(np.diag([3.0, 0.1])[None], 60, 60, 200)
    assert overlap.left[1] == 0 < overlap.left[0]
    assert (start_overlap(np.eye(2)[None] * 1e-3, 60, 60, 60, 1.0).left == 0).all()


def test_without_noise_of_any_kind_everything_is_found():
    np.testing.assert_allclose(start_overlap(np.eye(2)[None], 30, 30, 10**9).left, 1.0, atol=1e-6)


def test_simulated_stacks_of_users_of_unequal_variance():
    """The random-matrix formula alone: Gaussian noise matrices of prescribed variances, no moments involved."""
    rng = np.random.default_rng(0)
    k, d = 12, 240
    cores = rng.standard_normal((k, 2, 2)) * np.geomspace(1, 3, k)[:, None, None]
    samples = np.geomspace(120, 1200, k)
    sigma = np.sqrt(np.sum(cores**2, axis=(1, 2)) / samples)
    predicted = start_overlap(cores, d, d, samples)
    left = np.linalg.qr(rng.standard_normal((d, 2)))[0]
    right = np.linalg.qr(rng.standard_normal((d, 2)))[0]
    found = []
    for _ in range(10):
        matrices = left @ cores @ right.T + sigma[:, None, None] * rng.standard_normal((k, d, d))
        stacked = np.moveaxis(matrices, 1, 0).reshape(d, -1)
        top = np.linalg.eigh(stacked @ stacked.T)[1][:, -2:]
        found.append(np.sum((left.T @ top) ** 2) / 2)
    assert 0.3 < predicted.mean_left < 0.97
    np.testing.assert_allclose(np.mean(found), predicted.mean_left, atol=0.02)


@pytest.mark.parametrize("start", ["stacked", "pooled"])
def test_drawn_starts_follow_the_prediction(start):
    family = ct.TaskFamily(8, 60, 60, 1, similarity=0.6)
    solver = {"stacked": ct.starts.Stacked(), "pooled": ct.starts.Pooled()}[start]
    measured, predicted = [], []
    for seed in range(8):
        drawn = ct.sample_instance(jax.random.key(seed), family, 60, 0.5)
        factors = solver(drawn.problem, (1, 1), jax.random.key(0))
        measured.append(float(jnp.sum(jnp.square(drawn.truth.left.T @ factors.left))))
        predicted.append(start_overlap(np.asarray(drawn.truth.cores), 60, 60, 60, 0.5, start=start).mean_left)
    np.testing.assert_allclose(np.mean(measured), np.mean(predicted), atol=0.06)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="'random'"):
        start_overlap(np.eye(2)[None], 5, 5, 10, start="random")
    with pytest.raises(ValueError, match="num_samples 0"):
        start_overlap(np.eye(2)[None], 5, 5, 0)
    with pytest.raises(ValueError, match="noise -1"):
        start_overlap(np.eye(2)[None], 5, 5, 10, -1.0)

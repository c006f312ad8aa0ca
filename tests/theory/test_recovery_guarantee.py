import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.linalg import solve_normal
from colora_theory.starts.base import fit_cores
from colora_theory.theory import recovery_guarantee

KEY = jax.random.key(0)
# Cores that are multiples of rotations: the condition number is sqrt(r), as small as it can be.
NUM_USERS, SIZE, RANK = 40, 12, 2


def truth_of(cores):
    left, right = (jnp.linalg.qr(jax.random.normal(key, (SIZE, RANK)))[0] for key in jax.random.split(KEY))
    return ct.Factors(left, jnp.asarray(cores), right)


def rotations(num_users, spread=0.3):
    angles = spread * np.random.default_rng(0).standard_normal(num_users)
    return np.stack([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)


def fresh(key, truth, num_samples):
    num_users = truth.cores.shape[0]
    entries = jax.random.normal(key, (SIZE, SIZE, num_users, num_samples))
    sensing = ct.sensing.Dense(entries)
    return ct.Problem(sensing, sensing(truth.compose()), jnp.ones((num_users, num_samples)))


@jax.jit
def sweep(keys, truth, left, right, num_samples=30):
    """Cores, U, cores, V, each from data of its own."""

    def solve(system):
        return jnp.linalg.qr(solve_normal(system.normal, system.descent).reshape(RANK, -1).T)[0]

    batches = [fresh(key, truth, num_samples) for key in keys]
    factors = fit_cores(batches[0], left, right)
    left = solve(batches[1].restrict_right(right).factor_system(factors.cores, batches[1].scaled_targets))
    factors = fit_cores(batches[2], left, right)
    return left, solve(batches[3].restrict_left(left).factor_system(factors.cores.mT, batches[3].scaled_targets))


def largest_sine(truth, left, right):
    pairs = (truth.left, left), (truth.right, right)
    return max(float(jnp.linalg.norm(b - a @ (a.T @ b), 2)) for a, b in pairs)


def test_sweeps_with_fresh_data_contract_as_the_proof_says():
    """Every inequality that the proof chains is far from tight, so the contraction itself is held against it."""
    truth = truth_of(rotations(NUM_USERS))
    guarantee = recovery_guarantee(truth, sweeps=4)
    left, right = (
        jnp.linalg.qr(side + 0.3 * guarantee.basin * jax.random.normal(key, side.shape) / np.sqrt(RANK))[0]
        for key, side in zip(jax.random.split(jax.random.key(1)), (truth.left, truth.right), strict=True)
    )
    sines = [largest_sine(truth, left, right)]
    assert sines[0] <= guarantee.basin
    for keys in jax.random.split(jax.random.key(2), (4, 4)):
        left, right = sweep(keys, truth, left, right)
        sines.append(largest_sine(truth, left, right))
    factors = np.array(sines[1:]) / sines[:-1]
    bound = 11.3 * RANK * np.sqrt(1 / (30 * NUM_USERS)) * np.sqrt(SIZE)
    assert factors.max() < bound / 5
    # The error decays like the square root of 1 / (n k), whatever the proof's constant.
    assert factors.max() < 2 * np.sqrt(RANK * SIZE / (30 * NUM_USERS))


def test_the_population_update_has_the_right_range():
    """The proof's first step: with cores and V however wrong, the least-squares U spans range(U) exactly."""
    truth = truth_of(rotations(NUM_USERS))
    _, right = (jnp.linalg.qr(jax.random.normal(key, (SIZE, RANK)))[0] for key in jax.random.split(jax.random.key(3)))
    wrong = jax.random.normal(jax.random.key(4), truth.cores.shape)
    rows = wrong @ right.T
    left = jnp.sum(truth.compose() @ rows.mT, axis=0) @ jnp.linalg.inv(jnp.sum(rows @ rows.mT, axis=0))
    np.testing.assert_allclose(left - truth.left @ (truth.left.T @ left), 0, atol=1e-13)


def test_a_pooled_start_with_the_samples_asked_for_is_in_the_basin():
    """The mean moment matrix of n k samples, drawn from its Gaussian limit: the samples themselves would fill 20 GB."""
    truth = truth_of(rotations(NUM_USERS))
    guarantee = recovery_guarantee(truth, sweeps=4)
    mean = truth.left @ jnp.mean(truth.cores, axis=0) @ truth.right.T
    deviation = np.sqrt(RANK / (guarantee.needs["start"] * NUM_USERS))
    left, _, right = jnp.linalg.svd(mean + deviation * jax.random.normal(KEY, mean.shape))
    assert largest_sine(truth, left[:, :RANK], right[:RANK].T) < guarantee.basin


def test_more_users_need_fewer_samples_each_until_their_own_cores_do():
    needs = [recovery_guarantee(truth_of(rotations(count)), sweeps=10).needs for count in (10, 100, 1000)]
    for name in ("factors", "start"):
        assert needs[0][name] / needs[1][name] == pytest.approx(10, rel=0.3)
        assert needs[1][name] / needs[2][name] == pytest.approx(10, rel=0.3)
    assert needs[0]["cores"] < needs[2]["cores"] < 1.5 * needs[0]["cores"]


def test_the_start_asks_for_similar_tasks():
    """Only through the mean core: the mean of rotations is a rotation, shrunk by the mean resultant length."""
    spreads = 0.1, 2.0
    alike, unlike = (recovery_guarantee(truth_of(rotations(NUM_USERS, spread)), sweeps=1).needs for spread in spreads)
    lengths = [np.linalg.norm(np.mean(rotations(NUM_USERS, spread), axis=0), 2) for spread in spreads]
    assert unlike["start"] / alike["start"] == pytest.approx((lengths[0] / lengths[1]) ** 2)
    assert lengths[0] / lengths[1] > 3
    assert unlike["factors"] == pytest.approx(alike["factors"])
    opposite = np.concatenate([rotations(5), -rotations(5)])
    assert recovery_guarantee(truth_of(opposite), sweeps=1).num_samples == math.inf


def test_weak_directions_cost_as_the_theorem_says():
    """With equal cores diag(1, 1 / c) kappa^2 = theta^2 = c^2 + 1; U, V need kappa^4, the start kappa^2 theta^2."""
    weak, even = (recovery_guarantee(truth_of(np.tile(np.diag([1, 1 / c]), (5, 1, 1))), sweeps=1) for c in (3.0, 1.0))
    for name in ("factors", "start"):
        assert weak.needs[name] / even.needs[name] == pytest.approx((10 / 2) ** 2)
    assert even.basin / weak.basin == pytest.approx(np.sqrt(10 / 2))


def test_the_guarantee_does_not_depend_on_scale_or_basis():
    truth = truth_of(np.random.default_rng(1).standard_normal((8, RANK, RANK)))
    basis = jnp.linalg.qr(jax.random.normal(KEY, (RANK, RANK)))[0]
    turned = ct.Factors(truth.left @ basis, 3 * basis.T @ truth.cores, truth.right)
    for a, b in zip(
        *(dataclasses.astuple(recovery_guarantee(each, sweeps=3))[:3] for each in (truth, turned)), strict=True
    ):
        assert a == pytest.approx(b, rel=1e-9)


def test_bad_input_is_named():
    square = truth_of(rotations(5))
    with pytest.raises(ValueError, match="sweeps 0 is below 1"):
        recovery_guarantee(square, sweeps=0)
    with pytest.raises(ValueError, match=r"failure 1\.0 is outside \(0, 1\)"):
        recovery_guarantee(square, sweeps=1, failure=1.0)
    with pytest.raises(ValueError, match="rank deficient"):
        recovery_guarantee(truth_of(np.ones((5, 2, 2))), sweeps=1)
    wide = ct.Factors(square.left, jnp.ones((5, 2, 3)), jnp.eye(SIZE, 3))
    with pytest.raises(ValueError, match=r"rank \(2, 3\): a pooled start sees only 2 directions"):
        recovery_guarantee(wide, sweeps=1)

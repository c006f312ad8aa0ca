"""How well a fit determines every user: residuals by brute force, the bound, and what limits it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import accuracy
from colora_theory.accuracy import LIMITS
from colora_theory.inference import NoiseEstimate

SHAPE, RANK, NOISE = (4, 6, 5), (2, 2), 0.1
# The last user has fewer samples than its core has entries.
LENGTHS = (40, 40, 25, 3)


def told_of(factors, relative_residual=0.1, status=ct.Status.CONVERGED):
    """A solution that says so, without having been solved."""
    numbers = (jnp.asarray(each) for each in (int(status), 3, relative_residual, 0.0))
    return ct.Solution(factors, *numbers, None)


@pytest.fixture(scope="module")
def drawn():
    """Unequal users at the truth: their problem, the truth, and their residuals by brute force."""
    rng = np.random.default_rng(0)
    truth = ct.TaskFamily(*SHAPE, RANK).sample_truth(jax.random.key(0))
    weights = np.asarray(truth.compose())
    matrices = [rng.standard_normal((count, *SHAPE[1:])) for count in LENGTHS]
    errors = [NOISE * rng.standard_normal(count) for count in LENGTHS]
    y = [np.einsum("nab,ab->n", A, W) + e for A, W, e in zip(matrices, weights, errors, strict=True)]
    return ct.Problem.dense(matrices, y), truth, errors


def test_residuals_and_errors_of_every_user(drawn):
    problem, truth, errors = drawn
    found = ct.Accuracy.of(problem, told_of(truth))
    np.testing.assert_allclose(found.residual_rms, [np.sqrt(np.mean(each**2)) for each in errors], rtol=1e-9)
    unknowns = 2 * (6 - 2) + 2 * (5 - 2) + 4 * 4
    sigma = np.sqrt(sum(np.sum(each**2) for each in errors) / (sum(LENGTHS) - unknowns))
    assert found.noise.sigma == pytest.approx(sigma, rel=1e-9)
    others = ct.Factors(truth.left, truth.cores[:3], truth.right)
    bound = ct.theory.cramer_rao(problem.take_users(slice(3)), others, sigma).per_user
    assert found.limits == ("noise", "noise", "noise", "counting")
    assert np.isnan(found.errors[3])
    # Three measurements of a core with four entries tell nothing of the subspaces that the others do not.
    np.testing.assert_allclose(found.errors[:3] ** 2, bound, rtol=0.2)
    np.testing.assert_array_equal(found.errors[:3], ct.Uncertainty.of(problem, truth).errors[:3])
    np.testing.assert_allclose(found.norms, np.sqrt(np.sum(np.square(truth.compose()), axis=(1, 2))), rtol=1e-12)
    assert "do not determine the core of user 3" in found.doubts[0]


def test_the_table_has_the_names_and_the_interval_of_the_noise(drawn):
    problem, truth, _ = drawn
    found = ct.Accuracy.of(problem, told_of(truth))
    table = found.to_frame(["ann", "bob", "cy", "dee"], level=0.8)
    assert table["user"].tolist() == ["ann", "bob", "cy", "dee"]
    assert table["samples"].tolist() == list(LENGTHS)
    assert table["limited_by"].tolist() == list(found.limits)
    ends = np.array(found.noise.interval(0.8)) / found.noise.sigma
    relative = found.errors / found.norms
    np.testing.assert_allclose(table["estimated_relative_error"], relative, rtol=1e-12)
    np.testing.assert_allclose(table[["relative_error_lower", "relative_error_upper"]], np.outer(relative, ends))
    assert found.to_frame()["user"].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="3 names were given for 4 users"):
        found.to_frame("abc")
    with pytest.raises(ValueError, match=r"level 1\.5"):
        found.to_frame(level=1.5)


def test_exact_data_leave_no_residual(drawn):
    problem, truth, _ = drawn
    clean = dataclasses.replace(problem, targets=problem.sensing(truth.compose()))
    found = ct.Accuracy.of(clean, told_of(truth, relative_residual=1e-16))
    np.testing.assert_allclose(found.residual_rms, 0, atol=1e-13)
    np.testing.assert_allclose(found.errors[:3], 0, atol=1e-13)
    assert found.limits == ("rounding", "rounding", "rounding", "counting")
    # A user of W_0 has no relative error.
    nobody = dataclasses.replace(found, norms=np.zeros(4))
    assert np.isnan(nobody.relative_errors).all()


def test_what_limits_every_user(drawn):
    problem, truth, _ = drawn
    stalled = ct.Accuracy.of(problem, told_of(truth, status=ct.Status.STALLED))
    assert set(stalled.limits) == {"not converged"}
    few = ct.Accuracy.of(problem.take_samples(7), told_of(truth))  # 24 measurements, 30 unknowns
    assert set(few.limits) == {"counting"}
    assert np.isnan(few.errors).all()
    assert np.isnan(few.error_range()).all()
    single = jax.tree.map(lambda part: part.astype(jnp.float32), truth)
    for residual, limit in ((1e-6, "rounding"), (1e-5, "noise")):
        assert ct.Accuracy.of(problem, told_of(single, residual)).limits[0] == limit
    assert {*stalled.limits, *few.limits, "rounding", "noise"} == LIMITS.keys()


def test_why_there_are_no_errors(drawn, monkeypatch):
    problem, truth, _ = drawn
    flat = dataclasses.replace(truth, cores=truth.cores.at[:, 1, :].set(0.0).at[:, :, 1].set(0.0))
    found = ct.Accuracy.of(problem, told_of(flat))
    assert np.isnan(found.errors).all()
    assert found.limits[0] == "noise"
    assert "no errors: the stacked cores have ranks" in found.doubts[0]
    monkeypatch.setattr(accuracy, "_LARGEST", 21)
    (doubt,) = ct.Accuracy.of(problem, told_of(truth)).doubts
    assert "U and V have 22 entries, more than 21. Use ct.bootstrap" in doubt
    with pytest.raises(TypeError, match="shared subspaces are needed"):
        ct.Accuracy.of(problem, told_of(ct.TaskFamily(*SHAPE, RANK, 0.0, 0.5).sample_truth(jax.random.key(1))))


def test_noise_that_is_known_better(drawn):
    """Of vector outputs: their own samples hold more than the virtual ones of the problem."""
    _, truth, _ = drawn
    rng = np.random.default_rng(1)
    X = rng.standard_normal((4, 30, 5))
    residuals = NOISE * rng.standard_normal((4, 30, 6))
    problem = ct.Problem.vector_output(X, np.einsum("kab,knb->kna", np.asarray(truth.compose()), X) + residuals)
    squares, counts = np.sum(residuals**2, axis=(1, 2)), np.full(4, 180)
    found = ct.Accuracy.of(problem, told_of(truth), noise=NoiseEstimate.of(squares, counts, SHAPE[1:], RANK))
    np.testing.assert_allclose(found.residual_rms, np.sqrt(np.mean(residuals**2, axis=(1, 2))), rtol=1e-12)
    assert found.to_frame()["samples"].tolist() == [180] * 4
    np.testing.assert_allclose(
        found.errors**2, ct.theory.cramer_rao(problem, truth, found.noise.sigma).per_user, rtol=1e-9
    )
    assert ct.Accuracy.of(problem, told_of(truth)).noise.measurements == 4 * 5 * 6

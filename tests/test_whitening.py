import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.designs import Correlated, Gaussian, RankOneGaussian, UnequallyCorrelated, VectorOutputGaussian
from colora_theory.designs.base import spaced_variances
from colora_theory.sensing import Dense, EntryMask

FAMILY = ct.TaskFamily(5, 7, 6, 2)
CONDITION = 100.0
ROWS, COLS = (jnp.diag(spaced_variances(size, CONDITION)) for size in (7, 6))


@pytest.fixture(scope="module")
def correlated():
    return ct.sample_instance(jax.random.key(3), FAMILY, 60, 0.1, design=Correlated(CONDITION))


def solve(problem, solver=None, **options):
    return ct.solve(problem, solver or ct.solvers.VariableProjection(), ct.starts.Stacked(), 2, **options)


def test_the_fit_is_the_same(correlated):
    white = ct.whiten(correlated.problem, ROWS, COLS)
    fitted, plain = solve(white.problem), solve(correlated.problem)
    assert plain.status == fitted.status == ct.Status.CONVERGED
    restored = white.restore(fitted.factors)
    np.testing.assert_allclose(restored.compose(), plain.factors.compose(), atol=1e-6)
    np.testing.assert_allclose(restored.left.T @ restored.left, jnp.eye(2), atol=1e-12)


def test_every_factors_has_the_same_residual_in_both_variables(correlated, key):
    problem = correlated.problem
    white = ct.whiten(problem)
    factors = FAMILY.sample_truth(key)
    np.testing.assert_allclose(problem.residual(white.restore(factors)), white.problem.residual(factors), atol=1e-10)


def test_the_whitened_design_is_isotropic(correlated):
    for given in ((ROWS, COLS), (None, None)):
        entries = ct.whiten(correlated.problem, *given).problem.sensing.entries
        moment = jnp.einsum("abkn,cdkn->abcd", entries, entries).reshape(42, 42) / 300
        # Means of products of 300 unit normals; the estimate, of 300 * 6 columns, is nearer by far.
        np.testing.assert_allclose(moment, jnp.eye(42), atol=6 * np.sqrt(2 / 300))


def test_the_covariance_is_estimated(correlated):
    rows, cols = ct.side_covariances(correlated.problem)
    relative = jnp.kron(rows, cols) / jnp.sqrt(jnp.outer(*[jnp.kron(jnp.diag(ROWS), jnp.diag(COLS))] * 2))
    # Each side is a mean over at least 300 * 6 products, of entries with few effective columns.
    np.testing.assert_allclose(relative, jnp.eye(42), atol=0.3)


@pytest.mark.parametrize("design", [RankOneGaussian(), VectorOutputGaussian()])
def test_structured_designs_are_whitened_by_their_vectors(design, key):
    instance = ct.sample_instance(key, FAMILY, 40, design=design)
    mixing = jax.random.normal(key, (6, 6)) + 3 * jnp.eye(6)
    mixed = ct.Problem(
        instance.problem.sensing.transform_sides(col_map=mixing),
        instance.problem.targets,
        instance.problem.sample_weights,
    )
    _, cols = ct.side_covariances(ct.whiten(mixed).problem)
    np.testing.assert_allclose(cols, jnp.eye(6), atol=1e-10)


def test_whitening_gives_descent_its_steps_back(correlated):
    solver = ct.solvers.AltGDmin()
    options = {"max_steps": 3000, "key": jax.random.key(0)}
    noiseless = ct.sample_instance(jax.random.key(3), FAMILY, 60, design=Correlated(CONDITION)).problem
    isotropic = ct.sample_instance(jax.random.key(3), FAMILY, 60).problem
    plain, white = solve(noiseless, solver, **options), solve(ct.whiten(noiseless).problem, solver, **options)
    reference = solve(isotropic, solver, **options)
    assert white.status == reference.status == ct.Status.CONVERGED
    # What the whitened weights S_r^(1/2) W S_c^(1/2) have of the condition number stays.
    assert white.num_steps < 3 * reference.num_steps
    assert plain.num_steps > 5 * white.num_steps


def test_known_covariances_give_back_the_isotropic_design():
    correlated, isotropic = (
        ct.sample_instance(jax.random.key(3), FAMILY, 60, design=design).problem
        for design in (Correlated(CONDITION), Gaussian())
    )
    found = ct.whiten(correlated, ROWS, COLS).problem.sensing.entries
    np.testing.assert_allclose(found, isotropic.sensing.entries, atol=1e-12)


def test_the_frozen_weight_is_carried_along(correlated, key):
    frozen = jax.random.normal(key, (7, 6))
    problem = correlated.problem
    offset = ct.Problem(problem.sensing, problem.targets, problem.sample_weights, frozen)
    white = ct.whiten(offset, ROWS, COLS).problem
    for operator, weight in ((problem.sensing, frozen), (white.sensing, white.offset)):
        measured = operator(jnp.broadcast_to(weight, (5, 7, 6)))
        np.testing.assert_allclose(measured, problem.sensing(jnp.broadcast_to(frozen, (5, 7, 6))), atol=1e-10)


def test_corrected_moments_see_the_shared_subspaces(key):
    family = ct.TaskFamily(8, 7, 6, 2)
    instance = ct.sample_instance(key, family, 2000, design=UnequallyCorrelated(10.0))
    found = {
        start: ct.metrics.sine_left(start(instance.problem, (2, 2), key), instance.truth)
        for start in (ct.starts.Stacked(), ct.starts.Corrected())
    }
    plain, corrected = found.values()
    assert corrected < 0.1
    assert corrected < plain / 2


def test_a_user_without_samples_leaves_a_corrected_start_finite(correlated):
    problem = correlated.problem
    weights = problem.sample_weights.at[0].set(0.0)
    without = ct.Problem(problem.sensing, problem.targets, weights)
    assert all(jnp.isfinite(side).all() for side in ct.starts.Corrected().subspaces(without, (2, 2), jax.random.key(0)))


def test_bad_covariances_are_named(correlated):
    problem = correlated.problem
    with pytest.raises(ValueError, match=r"rows has the eigenvalue -1: above .* is needed"):
        ct.whiten(problem, jnp.diag(jnp.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0])), COLS)
    with pytest.raises(ValueError, match=r"cols has shape \(7, 7\), the weights need \(6, 6\)"):
        ct.whiten(problem, ROWS, ROWS)
    with pytest.raises(ValueError, match=r"rows is not symmetric: entries that should be equal differ by 1"):
        ct.whiten(problem, ROWS.at[0, 1].set(1.0), COLS)
    few = Dense(problem.sensing.entries[:, :, :1, :1])
    with pytest.raises(ValueError, match="rows has the eigenvalue"):
        ct.whiten(ct.Problem(few, problem.targets[:1, :1], problem.sample_weights[:1, :1]))
    mask = EntryMask(jnp.zeros((5, 60), int), jnp.zeros((5, 60), int), (7, 6))
    with pytest.raises(ValueError, match="EntryMask has no sides"):
        ct.whiten(ct.Problem(mask, problem.targets, problem.sample_weights))


def test_vector_outputs_have_the_second_moment_of_their_inputs(key):
    inputs = jax.random.normal(key, (3, 8, 4))
    problem = ct.Problem(ct.sensing.VectorOutput(inputs, 2), jnp.zeros((3, 16)), jnp.ones((3, 16)))
    rows, cols = ct.side_covariances(problem)
    assert rows is None
    np.testing.assert_allclose(cols, np.einsum("knb,knc->bc", inputs, inputs) / 24, rtol=1e-12)

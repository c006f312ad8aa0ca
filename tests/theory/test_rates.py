import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import contraction_factor, rates

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def instance():
    return ct.sample_instance(KEY, ct.TaskFamily(6, 8, 7, 2), 14)


def measured_factor(instance, **options):
    """The geometric mean factor of the error over the last sweeps above rounding."""
    solver = ct.solvers.AlternatingMinimization(**options)
    observe = jax.tree_util.Partial(ct.metrics.relative_error, truth=instance.truth)
    start = ct.starts.Near(instance.truth, 0.05)
    solution = ct.solve(instance.problem, solver, start, 2, key=KEY, max_steps=300, observe=observe)
    errors = np.asarray(solution.trace.observed)
    late = np.flatnonzero((errors < 1e-6) & (errors > 1e-12))
    return (errors[late[-1]] / errors[late[0]]) ** (1 / (late[-1] - late[0]))


@pytest.mark.parametrize(
    "options",
    [{}, {"order": ("right", "cores", "left")}, {"order": ("left", "right", "cores")}, {"resolve_cores": True}],
    ids=str,
)
def test_it_is_the_slope_of_a_run(instance, options):
    np.testing.assert_allclose(
        contraction_factor(instance.problem, instance.truth, **options), measured_factor(instance, **options), rtol=0.02
    )


def test_arnoldi_finds_what_the_dense_matrix_has(instance, monkeypatch):
    expected = contraction_factor(instance.problem, instance.truth)
    monkeypatch.setattr(rates, "_DENSE", 0)
    np.testing.assert_allclose(contraction_factor(instance.problem, instance.truth), expected, rtol=1e-3)


def test_too_few_samples_do_not_converge(instance):
    few = ct.sample_instance(KEY, ct.TaskFamily(6, 8, 7, 2), 6)
    assert contraction_factor(few.problem, few.truth) == 1.0


def test_an_order_without_all_blocks_is_refused(instance):
    with pytest.raises(ValueError, match="order"):
        contraction_factor(instance.problem, instance.truth, order=("cores", "left"))

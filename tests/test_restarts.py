import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct


@pytest.fixture
def trap():
    """Noiseless, N / DoF = 3; yet alternating minimization from the stacked start ends in a bad minimum."""
    family = ct.TaskFamily(16, 20, 20, 2, condition_number=10.0)
    key = jax.random.split(jax.random.key(1), 200)[159]
    return ct.sample_instance(key, family, 26)


def test_leaves_a_bad_minimum(trap):
    solver, start = ct.solvers.AlternatingMinimization(), ct.starts.Stacked()
    once = ct.solve(trap.problem, solver, start, 2, max_steps=500)
    assert ct.metrics.relative_error(once.factors, trap.truth) > 0.1
    starts = (start, ct.starts.Turned(start))
    solution = ct.solve_with_restarts(trap.problem, solver, starts, 2, attempts=8, max_steps=500)
    assert solution.status == ct.Status.CONVERGED
    assert solution.num_steps > once.num_steps
    assert ct.metrics.relative_error(solution.factors, trap.truth) < 1e-12


def test_one_good_attempt_is_enough(instance):
    solver, start = ct.solvers.VariableProjection(), ct.starts.Stacked()
    once = ct.solve(instance.problem, solver, start, (3, 2))
    solution = ct.solve_with_restarts(instance.problem, solver, start, (3, 2), attempts=5)
    assert solution.num_steps == once.num_steps
    np.testing.assert_allclose(solution.factors.compose(), once.factors.compose(), atol=1e-12)


def test_with_noise_the_smallest_loss_is_kept(key):
    noisy = ct.sample_instance(key, ct.TaskFamily(6, 9, 7, (3, 2)), 12, 1.0).problem
    solver, start = ct.solvers.AlternatingMinimization(), ct.starts.Random()
    residuals = [
        float(ct.solve_with_restarts(noisy, solver, start, (3, 2), attempts=attempts, key=key).relative_residual)
        for attempts in (1, 4)
    ]
    assert residuals[1] <= residuals[0]


def test_an_earlier_attempt_is_not_made_again(key):
    """All as if it had been made in one go, with every attempt in its place."""
    noisy = ct.sample_instance(key, ct.TaskFamily(6, 9, 7, (3, 2)), 12, 1.0).problem
    solver, start = ct.solvers.AlternatingMinimization(), ct.starts.Random()
    solve = functools.partial(ct.solve_with_restarts, noisy, solver, start, (3, 2), agreeing=4, max_steps=30)
    first = solve(attempts=1)
    together, later = solve(attempts=3), solve(attempts=3, first=first)
    for one, other in zip(jax.tree.leaves(together), jax.tree.leaves(later), strict=True):
        np.testing.assert_array_equal(one, other)
    poor = eqx.tree_at(lambda solution: solution.relative_residual, first, jnp.asarray(7.0))
    assert solve(attempts=3, first=poor).attempts.relative_residual[0] == 7.0
    with pytest.raises(ValueError, match="at most 20 steps"):
        solve(attempts=3, first=first, max_steps=20)


def test_no_attempt_is_an_error(instance):
    with pytest.raises(ValueError, match="attempts 0 is below 1"):
        ct.solve_with_restarts(instance.problem, ct.solvers.AltGDmin(), ct.starts.Random(), (3, 2), attempts=0)


def test_runs_under_jit_and_vmap(key):
    family = ct.TaskFamily(4, 6, 5, 2)

    def error(key):
        drawn = ct.sample_instance(key, family, 20)
        solution = ct.solve_with_restarts(
            drawn.problem, ct.solvers.VariableProjection(), ct.starts.Random(), 2, attempts=6, key=key, max_steps=60
        )
        return ct.metrics.relative_error(solution.factors, drawn.truth)

    assert jnp.max(jax.jit(jax.vmap(error))(jax.random.split(key, 4))) < 1e-12


def test_annealed_starts_recover_where_stacked_ones_do_not():
    """N / DoF = 1.43, noiseless: one attempt each, on three draws."""
    family, solver = ct.TaskFamily(10, 30, 30, 3), ct.solvers.VariableProjection()
    errors = {"Annealed": [], "Stacked": []}
    for seed in range(3):
        instance = ct.sample_instance(jax.random.key(seed), family, 36)
        for start in (ct.starts.Annealed(), ct.starts.Stacked()):
            solution = ct.solve(instance.problem, solver, start, 3, max_steps=40)
            errors[type(start).__name__].append(float(ct.metrics.relative_error(solution.factors, instance.truth)))
    assert sum(error < 1e-10 for error in errors["Annealed"]) >= 2
    assert min(errors["Stacked"]) > 0.1

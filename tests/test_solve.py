"""The loop: statuses, tolerances, traces."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.solvers import AbstractSolver, State


class Scripted(AbstractSolver):
    """Loses a scripted factor of the loss at every step."""

    factor: float

    def init(self, problem, factors):
        return State(factors, problem.loss(factors), jnp.asarray(jnp.inf), None)

    def step(self, problem, state):
        return State(state.factors, state.loss * self.factor, jnp.asarray(1.0), None)


class Poisonous(Scripted):
    """A NaN in the third step."""

    def init(self, problem, factors):
        return State(factors, problem.loss(factors), jnp.asarray(jnp.inf), jnp.asarray(0))

    def step(self, problem, state):
        count = state.memory + 1
        poison = jnp.where(count == 3, jnp.nan, 1.0)
        factors = ct.Factors(state.factors.left * poison, state.factors.cores, state.factors.right)
        return State(factors, state.loss * 0.9, jnp.asarray(1.0), count)


def run(problem, solver, **options):
    return ct.solve(problem, solver, ct.starts.Random(), (3, 2), **options)


@pytest.mark.parametrize(
    ("solver", "status", "steps"),
    [
        (Scripted(0.5), ct.Status.CONVERGED, None),
        (Scripted(0.9999), ct.Status.MAX_STEPS, 100),
        # The first step counts as progress, since a gradient is seen for the first time.
        (Scripted(1.0), ct.Status.STALLED, 21),
        (Scripted(1.0 - 1e-15), ct.Status.STALLED, 21),
        (Scripted(10.0), ct.Status.DIVERGED, 4),
        (Poisonous(1.0), ct.Status.NONFINITE, 3),
    ],
)
def test_status(instance, solver, status, steps):
    solution = run(instance.problem, solver, max_steps=100 if steps else 1000)
    assert solution.status == status
    assert steps is None or solution.num_steps == steps
    assert jnp.isfinite(solution.factors.compose()).all()
    assert ct.Status(int(solution.status)).advice


def test_a_tiny_step_stalls_and_does_not_converge(instance):
    solution = run(instance.problem, ct.solvers.GradientDescent(1e-15))
    assert solution.status == ct.Status.STALLED


def test_a_huge_step_diverges(instance):
    solution = run(instance.problem, ct.solvers.GradientDescent(100.0))
    assert solution.status in (ct.Status.DIVERGED, ct.Status.NONFINITE)
    assert jnp.isfinite(solution.factors.compose()).all()


def test_a_bad_lane_leaves_the_others_alone(instance):
    steps = jnp.array([1.0, 100.0])
    statuses, errors = jax.vmap(
        lambda step: (lambda s: (s.status, ct.metrics.relative_error(s.factors, instance.truth)))(
            run(instance.problem, ct.solvers.GradientDescent(step), max_steps=5000)
        )
    )(steps)
    assert statuses[0] == ct.Status.CONVERGED
    assert errors[0] < 1e-12
    assert statuses[1] != ct.Status.CONVERGED


def test_residual_tolerance_stops_there(instance):
    solution = run(instance.problem, ct.solvers.AlternatingMinimization(), residual_tol=1e-4)
    assert solution.status == ct.Status.CONVERGED
    assert 1e-6 < solution.relative_residual <= 1e-4


def test_gradient_tolerance_stops_there(key):
    noisy = ct.sample_instance(key, ct.TaskFamily(6, 9, 7, (3, 2)), 24, 0.3)
    solution = run(noisy.problem, ct.solvers.AlternatingMinimization(), gradient_tol=1e-3)
    assert solution.status == ct.Status.CONVERGED
    assert 1e-6 < solution.relative_gradient <= 1e-3


def test_trace_follows_the_run_and_ends_in_nan(instance):
    solution = ct.solve(
        instance.problem,
        ct.solvers.AlternatingMinimization(),
        ct.starts.Stacked(),
        (3, 2),
        max_steps=60,
        observe=lambda factors: {"error": ct.metrics.relative_error(factors, instance.truth)},
    )
    last = int(solution.num_steps)
    trace = solution.trace
    assert trace.relative_residual.shape == (61,)
    assert jnp.isfinite(trace.relative_residual[: last + 1]).all()
    assert jnp.isnan(trace.relative_residual[last + 1 :]).all()
    np.testing.assert_allclose(trace.relative_residual[last], solution.relative_residual)
    errors = trace.observed["error"]
    np.testing.assert_allclose(errors[last], ct.metrics.relative_error(solution.factors, instance.truth), atol=1e-14)
    assert errors[0] > 1e-3 > errors[last]


def test_the_offset_comes_back_in_the_weights(key):
    offset = np.asarray(jax.random.normal(key, (9, 7)))
    truth = ct.TaskFamily(6, 9, 7, (3, 2)).sample_truth(key)
    A = np.asarray(jax.random.normal(jax.random.key(1), (6, 24, 9, 7)))
    y = np.einsum("knab,kab->kn", A, np.asarray(truth.compose()) + offset)
    problem = ct.Problem.dense(A, y, offset=offset)
    solution = ct.solve(problem, ct.solvers.AlternatingMinimization(), ct.starts.Stacked(), (3, 2))
    np.testing.assert_allclose(solution.weights, truth.compose() + offset[None], atol=1e-11)


def test_bad_arguments_are_named(instance):
    with pytest.raises(ValueError, match="max_steps 0"):
        run(instance.problem, ct.solvers.AltGDmin(), max_steps=0)
    with pytest.raises(ValueError, match=r"rank 30 exceeds min\(num_rows, num_cols\) = 7"):
        ct.solve(instance.problem, ct.solvers.AltGDmin(), ct.starts.Random(), 30)


def test_summary_names_status_and_numbers(instance):
    text = run(instance.problem, ct.solvers.AlternatingMinimization()).summary()
    assert text.startswith("CONVERGED after")


def test_one_step_is_differentiable(key):
    """Sensitivity of one exact sweep to the data, against finite differences."""
    instance = ct.sample_instance(key, ct.TaskFamily(3, 5, 4, 2), 12, 0.1)
    problem, solver = instance.problem, ct.solvers.AlternatingMinimization()
    state = solver.init(problem, ct.starts.Stacked()(problem, (2, 2), key))

    @jax.jit
    def loss_after(shift):
        moved = ct.Problem(problem.sensing, problem.targets.at[0, 0].add(shift), problem.sample_weights)
        return solver.step(moved, state).loss

    step = 1e-5
    slope = (loss_after(step) - loss_after(-step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(loss_after)(0.0), slope, rtol=1e-6)


@pytest.mark.parametrize("size", [1e200, 1e-200], ids=["too large", "too small"])
def test_weights_beyond_the_range_of_floats_are_a_failure_and_never_nan(instance, size):
    sensing, targets = instance.problem.sensing, instance.problem.targets
    problem = ct.Problem(ct.sensing.Dense(sensing.entries / size), size * targets, instance.problem.sample_weights)
    solution = ct.solve(problem, ct.solvers.AlternatingMinimization(), ct.starts.Stacked(), (3, 2))
    assert solution.status == ct.Status.NONFINITE
    assert jnp.isfinite(solution.factors.compose()).all()


def test_what_is_not_a_solver_is_named(instance):
    for wrong in ("alternating", ct.solvers.AltGDmin):
        with pytest.raises(TypeError):
            ct.solve(instance.problem, wrong, ct.starts.Random(), 2)

"""Simulated rounds: with everybody in time they are the solvers; without, they still find the truth."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import federation

RANK = (2, 1)
METHODS = {
    "alternating": (ct.federated_alternating, ct.solvers.AlternatingMinimization(resolve_cores=True), 80),
    "altgdmin": (ct.federated_altgdmin, ct.solvers.AltGDmin(), 300),
}


@pytest.fixture(scope="module", params=METHODS)
def simulated(request):
    """A method, its solver, the problem, and the run as a function of who attends."""
    method, solver, steps = METHODS[request.param]
    instance = ct.sample_instance(jax.random.key(1), ct.TaskFamily(12, 6, 5, RANK, 0.5), 16)

    @jax.jit
    def run(answering, late):
        attendance = ct.Attendance(answering, late)
        return method(
            instance.problem,
            RANK,
            attendance=attendance,
            max_steps=steps,
            observe=lambda factors: ct.metrics.relative_error(factors, instance.truth),
        )

    return solver, instance, run


def test_with_everybody_in_time_it_is_the_solver(simulated):
    solver, instance, run = simulated
    solution = ct.solve(
        instance.problem,
        solver,
        ct.starts.Stacked(),
        RANK,
        max_steps=30,
        observe=lambda factors: ct.metrics.relative_error(factors, instance.truth),
    )
    trace = run(jnp.asarray(1.0), jnp.asarray(0.0)).trace
    # Both fit the cores of the subspaces that they have come to.
    steps = int(min(solution.num_steps, 10))
    np.testing.assert_allclose(
        trace.observed[1 : steps + 1], solution.trace.observed[1 : steps + 1], rtol=1e-6, atol=1e-10
    )


@pytest.mark.parametrize(("answering", "late"), [(0.5, 0.0), (0.8, 0.4)])
def test_who_is_away_or_late_does_not_keep_it_from_the_truth(simulated, answering, late):
    _, instance, run = simulated
    solution = run(jnp.asarray(answering), jnp.asarray(late))
    assert solution.trace.observed[-1] < 1e-8
    assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-8
    assert int(solution.status) == ct.Status.MAX_STEPS


def test_late_answers_come_with_the_next_round(simulated):
    """The same users are in time in both runs: the first steps agree, and then the late answers have arrived."""
    _, _, run = simulated
    late, absent = (run(jnp.asarray(answering), jnp.asarray(late)) for answering, late in ((0.6, 0.5), (0.3, 0.0)))
    np.testing.assert_allclose(late.trace.observed[:2], absent.trace.observed[:2], rtol=1e-10)
    assert abs(late.trace.observed[2] / absent.trace.observed[2] - 1) > 1e-3


def test_a_late_answer_is_about_the_factor_itself(key):
    """Half in time and half of the round before, from another U: what everybody would have answered now."""
    instance = ct.sample_instance(key, ct.TaskFamily(12, 6, 5, RANK, 0.5), 16, noise=0.1)
    problem, factors = instance.problem, instance.truth.orthonormalize()
    other = jnp.roll(factors.left, 1, axis=0)
    some = (jnp.arange(12) % 2).astype(float)
    none, nothing = jnp.zeros(12), federation.NormalSystem(jnp.zeros((12, 12)), jnp.zeros(12))
    update = functools.partial(federation._update, problem, problem.restrict_right(factors.right))
    everybody, _ = update(factors.left, factors.cores, (jnp.ones(12), none), nothing)
    _, waiting = update(factors.left, factors.cores, (some, 1 - some), nothing)
    together, _ = update(other, factors.cores, (some, none), waiting)
    np.testing.assert_allclose(together, everybody, rtol=1e-10, atol=1e-12)


def test_a_late_gradient_is_that_of_the_iterate_before(key):
    """The second step leaves range(U) along the sum of a new and an old gradient, whatever its length."""
    problem = ct.sample_instance(key, ct.TaskFamily(12, 6, 5, RANK, 0.5), 16, noise=0.1).problem
    some = (jnp.arange(12) % 2).astype(float)

    class Fixed(ct.Attendance):
        def draw(self, key, like):
            return some, 1 - some

    def left_gradient(factors, there):
        answered = eqx.tree_at(lambda p: p.sample_weights, problem, problem.sample_weights * there[:, None])
        return jax.grad(answered.loss)(factors).left

    start = ct.starts.Stacked()(problem, RANK, key)
    first, second = (
        ct.federated_altgdmin(problem, RANK, ct.starts.Near(start, 0.0), attendance=Fixed(), max_steps=steps).factors
        for steps in (1, 2)
    )
    begin = ct.starts.fit_cores(problem, start.left, start.right)
    along = left_gradient(first, some) + left_gradient(begin, 1 - some)
    leaving, direction = (each - first.left @ (first.left.T @ each) for each in (second.left, along))
    basis, _ = jnp.linalg.qr(direction)
    assert jnp.linalg.norm(leaving) > 1e-3
    assert jnp.linalg.norm(leaving - basis @ (basis.T @ leaving)) < 1e-9 * jnp.linalg.norm(leaving)


def test_attendance_is_drawn_as_asked():
    in_time, late = ct.Attendance(0.7, 0.2).draw(jax.random.key(0), jnp.zeros(20_000))
    # Five standard errors of a share are at most 0.018.
    assert abs(jnp.mean(in_time) - 0.56) < 0.018
    assert abs(jnp.mean(late) - 0.14) < 0.018
    assert jnp.max(in_time + late) == 1
    with pytest.raises(ValueError, match=r"answering 0.0 is outside \(0, 1\]"):
        ct.Attendance(0.0)
    with pytest.raises(ValueError, match=r"late 1.0 is outside \[0, 1\)"):
        ct.Attendance(0.5, 1.0)

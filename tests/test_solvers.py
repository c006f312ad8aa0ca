"""The contract of every solver."""

import operator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from tests.registries import SOLVERS, VARIANTS

RANK = (3, 2)
SHAPE = {"num_users": 6, "num_rows": 9, "num_cols": 7, "rank": RANK}


@pytest.fixture(params=SOLVERS, ids=str)
def solver(request):
    return SOLVERS[request.param]


@pytest.fixture
def noisy(key):
    return ct.sample_instance(key, ct.TaskFamily(**SHAPE, similarity=0.3), num_samples=24, noise=0.2)


def run(problem, solver, **options):
    return ct.solve(problem, solver, ct.starts.Stacked(), RANK, **({"max_steps": 5000} | options))


@pytest.mark.parametrize("name", SOLVERS | VARIANTS)
def test_recovers_the_truth_without_noise(name, instance):
    solution = run(instance.problem, (SOLVERS | VARIANTS)[name])
    assert solution.status == ct.Status.CONVERGED
    assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-12
    assert ct.metrics.sine_left(solution.factors, instance.truth) < 1e-12


def test_converged_with_noise_means_a_stationary_point(solver, noisy):
    solution = run(noisy.problem, solver)
    assert solution.status == ct.Status.CONVERGED
    gradient = jax.grad(noisy.problem.loss)(solution.factors)
    scale = jnp.linalg.norm(noisy.problem.targets) * jnp.sqrt(noisy.problem.targets.size)
    assert max(jnp.linalg.norm(block) for block in jax.tree.leaves(gradient)) < 1e-8 * scale


def test_all_solvers_find_the_same_minimum(solver, noisy):
    reference = run(noisy.problem, ct.solvers.AlternatingMinimization())
    solution = run(noisy.problem, solver)
    np.testing.assert_allclose(solution.factors.compose(), reference.factors.compose(), atol=1e-7)


def test_the_truth_is_a_fixed_point(solver, instance):
    """Rounding may cost some steps until the tolerance is met, but never moves the iterate away."""
    solution = ct.solve(instance.problem, solver, ct.starts.Near(instance.truth, 0.0), RANK)
    assert jnp.nanmax(solution.trace.relative_residual) < 1e-13
    assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-13


def test_solution_is_orthonormal(solver, noisy):
    factors = run(noisy.problem, solver).factors
    np.testing.assert_allclose(factors.left.T @ factors.left, np.eye(3), atol=1e-13)
    np.testing.assert_allclose(factors.right.T @ factors.right, np.eye(2), atol=1e-13)


def test_state_loss_is_the_problem_loss(solver, noisy):
    step = jax.jit(solver.step)
    state = jax.jit(solver.init)(noisy.problem, ct.starts.Stacked()(noisy.problem, RANK, jax.random.key(0)))
    for _ in range(3):
        np.testing.assert_allclose(state.loss, noisy.problem.loss(state.factors), rtol=1e-12)
        state = step(noisy.problem, state)


@pytest.mark.parametrize("name", [name for name, solver in SOLVERS.items() if solver.eliminates_cores])
def test_what_is_eliminated_needs_no_start(name, noisy):
    guess = ct.starts.Stacked()(noisy.problem, RANK, jax.random.key(0))
    without = ct.Factors(guess.left, jnp.zeros_like(guess.cores), guess.right)
    states = [jax.jit(SOLVERS[name].init)(noisy.problem, factors) for factors in (guess, without)]
    np.testing.assert_allclose(*(state.factors.compose() for state in states), atol=1e-12)


def test_vmap_equals_a_loop(solver):
    keys = jax.random.split(jax.random.key(4), 3)
    family = ct.TaskFamily(**SHAPE)
    problems = jax.vmap(lambda k: ct.sample_instance(k, family, 24, 0.1).problem)(keys)
    batched = jax.vmap(lambda problem: run(problem, solver).factors.compose())(problems)
    for lane in range(3):
        single = run(jax.tree.map(operator.itemgetter(lane), problems), solver)
        np.testing.assert_allclose(batched[lane], single.factors.compose(), atol=1e-10)


@pytest.mark.parametrize("kind", [ct.solvers.GradientDescent, ct.solvers.AltGDmin])
def test_hyperparameters_can_be_vmapped(noisy, kind):
    steps = jnp.array([0.1, 0.8])
    losses = jax.vmap(lambda step: run(noisy.problem, kind(step), max_steps=5).relative_residual)(steps)
    assert losses[1] < losses[0], "the longer step is ahead after five steps"


def test_second_call_compiles_nothing(solver, instance, noisy):
    run(instance.problem, solver)
    with jax.no_tracing():
        run(noisy.problem, solver)


def test_float32(solver, noisy):
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), noisy.problem)
    solution = run(single, solver)
    assert solution.factors.left.dtype == jnp.float32
    assert solution.status in (ct.Status.CONVERGED, ct.Status.STALLED)
    reference = run(noisy.problem, solver)
    error = jnp.linalg.norm(solution.factors.compose().astype(float) - reference.factors.compose())
    assert error < 1e-3 * jnp.linalg.norm(reference.factors.compose())


def test_recovers_the_truth_in_single_precision(solver, instance):
    """To the tolerance of 20 epsilons, and what the design makes of it."""
    solution = run(jax.tree.map(lambda leaf: leaf.astype(jnp.float32), instance.problem), solver)
    factors = jax.tree.map(lambda leaf: leaf.astype(float), solution.factors)
    assert solution.status == ct.Status.CONVERGED
    assert solution.relative_residual <= 20 * jnp.finfo(jnp.float32).eps
    assert ct.metrics.relative_error(factors, instance.truth) < 2e-5


def without_user_two(problem):
    return eqx.tree_at(lambda p: p.sample_weights, problem, problem.sample_weights.at[2].set(0.0))


def test_a_user_without_samples_is_left_at_zero_and_its_data_are_not_looked_at(solver, noisy):
    problem = noisy.problem
    wild = eqx.tree_at(lambda p: p.targets, problem, problem.targets.at[2].set(1e3))
    solution, same = run(without_user_two(problem), solver), run(without_user_two(wild), solver)
    np.testing.assert_array_equal(solution.factors.compose(), same.factors.compose())
    np.testing.assert_allclose(solution.factors.cores[2], 0.0, atol=1e-12)


@pytest.mark.long
def test_a_user_without_samples_disturbs_nobody(solver, noisy):
    problem = noisy.problem
    others = ct.Problem(
        ct.sensing.Dense(jnp.delete(problem.sensing.entries, 2, axis=2)),
        jnp.delete(problem.targets, 2, axis=0),
        jnp.delete(problem.sample_weights, 2, axis=0),
    )
    solution, expected = run(without_user_two(problem), solver), run(others, solver)
    np.testing.assert_allclose(jnp.delete(solution.factors.compose(), 2, axis=0), expected.factors.compose(), atol=1e-6)


def test_all_zero_data_converge_to_zero_at_once(solver, instance):
    zero = eqx.tree_at(lambda p: p.targets, instance.problem, jnp.zeros_like(instance.problem.targets))
    solution = run(zero, solver)
    assert solution.status == ct.Status.CONVERGED
    assert solution.num_steps == 0
    assert not solution.factors.compose().any()


def test_too_few_samples_stay_finite(solver, noisy):
    """Below counting, with singular block systems: some status, never NaN."""
    two = noisy.problem.sample_weights.at[:, 2:].set(0.0)
    solution = run(eqx.tree_at(lambda p: p.sample_weights, noisy.problem, two), solver)
    assert jnp.isfinite(solution.factors.compose()).all()
    assert jnp.isfinite(solution.relative_residual)


@pytest.mark.parametrize(
    ("design", "target", "weight"),
    [(1e200, 1.0, 1.0), (1e200, 1e200, 1.0), (1e-200, 1e-200, 1.0), (1.0, 1e-150, 1.0), (1.0, 1.0, 1e-300)],
)
def test_the_units_of_the_data_do_not_matter(solver, instance, design, target, weight):
    problem = instance.problem
    scaled = ct.Problem(
        ct.sensing.Dense(design * problem.sensing.entries), target * problem.targets, weight * problem.sample_weights
    )
    solution = run(scaled, solver)
    assert solution.status == ct.Status.CONVERGED
    factors = solution.factors
    back = ct.Factors(factors.left, (factors.cores * design) / target, factors.right)
    assert ct.metrics.relative_error(back, instance.truth) < 1e-12


def test_wildly_different_users_stay_finite(solver, noisy):
    scales = jnp.array([1e-8, 1.0, 1e8, 1.0, 1.0, 1.0])
    wild = eqx.tree_at(lambda p: p.targets, noisy.problem, noisy.problem.targets * scales[:, None])
    solution = run(wild, solver, max_steps=200)
    assert jnp.isfinite(solution.factors.compose()).all()
    assert solution.relative_residual < 1


@pytest.mark.parametrize("resolve_cores", [False, True])
def test_alternating_loss_never_rises(noisy, resolve_cores):
    solution = run(noisy.problem, ct.solvers.AlternatingMinimization(resolve_cores=resolve_cores))
    history = solution.trace.relative_residual[: solution.num_steps + 1]
    assert jnp.all(jnp.diff(history) <= 1e-14)


def test_alternating_solves_each_block_exactly(noisy):
    """After a step that ends with one block, the gradient of that block is zero."""
    start = ct.starts.Stacked()(noisy.problem, RANK, jax.random.key(0))
    for order in (("left", "right", "cores"), ("cores", "right", "left"), ("cores", "left", "right")):
        solver = ct.solvers.AlternatingMinimization(order=order)
        state = jax.jit(solver.step)(noisy.problem, jax.jit(solver.init)(noisy.problem, start))
        gradient = jax.grad(noisy.problem.loss)(state.factors)
        norms = {name: float(jnp.linalg.norm(getattr(gradient, name))) for name in order}
        assert norms[order[-1]] < 1e-9 * max(norms.values())


def test_alternating_names_an_unknown_block():
    with pytest.raises(ValueError, match="must name each of the blocks"):
        ct.solvers.AlternatingMinimization(order=("cores", "left", "rigth"))
    # Without U and V among the updates a run could end as CONVERGED far from a stationary point.
    with pytest.raises(ValueError, match="must name each of the blocks"):
        ct.solvers.AlternatingMinimization(order=("cores",))


@pytest.mark.parametrize("kind", [ct.solvers.GradientDescent, ct.solvers.AltGDmin])
def test_steps_are_in_units_of_the_exact_one(instance, kind):
    """Just below twice the exact step gradient steps still descend near the truth, well above they do not."""
    near = ct.starts.Near(instance.truth, 1e-3)
    stable = ct.solve(instance.problem, kind(1.8), near, RANK, max_steps=300)
    unstable = ct.solve(instance.problem, kind(2.5), near, RANK, max_steps=300)
    assert stable.relative_residual < 0.1 * stable.trace.relative_residual[0]
    assert unstable.relative_residual > stable.trace.relative_residual[0]

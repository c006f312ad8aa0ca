"""What the gradient methods promise beyond the contract of every solver."""

import operator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.solvers.scaled_gradient import ReducedPoint
from colora_theory.solvers.scaled_lbfgs import Pairs

STEEPEST = ct.solvers.ScaledGradientDescent(conjugate=False)
SCALED = {"gradient": ct.solvers.ScaledGradientDescent(), "lbfgs": ct.solvers.ScaledLBFGS()}


@pytest.fixture(params=SCALED, ids=str)
def scaled(request):
    return SCALED[request.param]


@eqx.filter_jit
def draw(key, condition_number, noise):
    """An instance, and two starts: a poor one and a good one."""
    family = ct.TaskFamily(30, 20, 20, 2, condition_number=condition_number)
    drawn = ct.sample_instance(key, family, 60, noise)
    return drawn, [
        start(drawn.problem, (2, 2), key) for start in (ct.starts.Stacked(), ct.starts.Near(drawn.truth, 0.1))
    ]


@pytest.fixture
def noisy(key):
    drawn, (stacked, _) = draw(key, jnp.asarray(3.0), jnp.asarray(0.2))
    return drawn.problem, stacked


@eqx.filter_jit
def follow(solver, problem, factors):
    """The first state, and the factors and losses of thirty steps."""

    def step(state, _):
        state = solver.step(problem, state)
        return state, (state.factors, state.loss)

    first = solver.init(problem, factors)
    return first, *jax.lax.scan(step, first, length=30)[1]


def test_the_condition_number_of_the_cores_does_not_matter(scaled, key):
    """At 100 at most twice the steps of 1 to a relative error of 1e-8, from a poor start and from a good one."""
    steps = []
    for condition_number in (1.0, 100.0):
        drawn, starts = draw(key, jnp.asarray(condition_number), jnp.asarray(0.0))
        for start in starts:
            _, factors, _ = follow(scaled, drawn.problem, start)
            errors = jax.vmap(ct.metrics.relative_error, (0, None))(factors, drawn.truth)
            assert errors.min() < 1e-8
            steps.append(int(jnp.argmax(errors < 1e-8)) + 1)
    (far_1, near_1), (far_100, near_100) = steps[:2], steps[2:]
    assert near_1 <= far_1 < 20
    assert far_100 <= 2 * far_1
    assert near_100 <= 2 * near_1


def test_steps_do_not_depend_on_the_bases(scaled, noisy):
    problem, factors = noisy
    turn_left, turn_right = jnp.array([[1.0, 0.3], [-2.0, 1e-2]]), jnp.array([[1.0, 0.9], [-2.0, 50.0]])
    turned = ct.Factors(
        factors.left @ turn_left,
        jnp.linalg.inv(turn_left) @ factors.cores @ jnp.linalg.inv(turn_right).T,
        factors.right @ turn_right,
    )
    first, here, losses = follow(scaled, problem, factors)
    _, there, _ = follow(scaled, problem, turned)
    assert losses[0] < 0.9 * first.loss
    for step in (0, 4):
        one, other = (jax.tree.map(operator.itemgetter(step), factors).compose() for factors in (here, there))
        np.testing.assert_allclose(other, one, atol=1e-10)


def test_a_step_that_raises_the_loss_is_not_taken(noisy):
    problem, factors = noisy
    solver = SCALED["gradient"]
    first, _, _ = follow(solver, problem, factors)
    length = first.memory.search.length
    far = eqx.tree_at(lambda state: state.memory.search.length, first, 1e3 * length)
    step = jax.jit(solver.step)
    for _ in range(2):
        kept = step(problem, far)
        assert kept.loss == first.loss
        np.testing.assert_array_equal(kept.factors.left, first.factors.left)
        assert 0.09 < kept.memory.search.length / far.memory.search.length < 0.51
        far = kept


def test_conjugate_directions_are_ahead_of_the_steepest(noisy):
    _, _, conjugate = follow(SCALED["gradient"], *noisy)
    _, _, steepest = follow(STEEPEST, *noisy)
    lowest = conjugate[-1]
    assert steepest[-1] > 0.999999 * lowest
    assert conjugate[9] - lowest < 0.1 * (steepest[9] - lowest)


def test_descent_is_the_gradient_of_the_reduced_cost(noisy):
    problem, start = noisy

    @jax.jit
    def look(factors):
        point = ReducedPoint.at(problem, factors)
        _, cores = point.image(point.descent)
        left, right = point.unscale(point.descent)
        fitted = point.model.factors
        moved = ct.Factors(fitted.left + 1e-6 * left, fitted.cores + 1e-6 * cores, fitted.right + 1e-6 * right)
        return point, jax.grad(problem.loss)(fitted), point.loss - problem.loss(moved)

    point, gradient, gained = look(start)
    np.testing.assert_allclose(point.descent.left, -gradient.left @ point.left_scale, atol=1e-10)
    np.testing.assert_allclose(point.descent.right, -gradient.right @ point.right_scale, atol=1e-10)
    # The cores follow along a line as their least-squares values do.
    slope = jnp.sum(point.descent.left**2) + jnp.sum(point.descent.right**2)
    np.testing.assert_allclose(gained, 1e-6 * slope, rtol=1e-2)


def test_the_step_of_gradient_descent_is_exact_for_linear_measurements(noisy):
    problem, start = noisy

    @jax.jit
    def look(factors):
        state = ct.solvers.GradientDescent().init(problem, factors)
        descent = jax.tree.map(jnp.negative, jax.grad(problem.loss)(state.factors))
        residual, change = jax.jvp(problem.residual, (state.factors,), (descent,))
        return state.memory.length, -jnp.vdot(residual, change) / jnp.vdot(change, change)

    np.testing.assert_allclose(*look(start), rtol=1e-10)


def inverse_hessian(steps, changes):
    """The BFGS inverse as a matrix, from the oldest pair to the newest."""
    size = steps.shape[1]
    matrix = np.eye(size) * (steps[-1] @ changes[-1]) / (changes[-1] @ changes[-1])
    for step, change in zip(steps, changes, strict=True):
        factor = np.eye(size) - np.outer(step, change) / (step @ change)
        matrix = factor @ matrix @ factor.T + np.outer(step, step) / (step @ change)
    return matrix


@pytest.mark.parametrize("count", [2, 6])
def test_two_loops_multiply_by_the_bfgs_inverse(count):
    random = np.random.default_rng(0)
    root = random.normal(size=(7, 7))
    steps = random.normal(size=(count, 7))
    changes = steps @ (root @ root.T)
    pairs = Pairs(jnp.zeros((4, 7)), jnp.zeros((4, 7)))
    for step, change in zip(steps, changes, strict=True):
        pairs = pairs.push(jnp.asarray(step), jnp.asarray(change))
    vector = random.normal(size=7)
    expected = inverse_hessian(steps[-4:], changes[-4:]) @ vector
    np.testing.assert_allclose(pairs.apply(jnp.asarray(vector)), expected, rtol=1e-9)


def test_a_pair_without_curvature_clears_the_memory():
    pairs = Pairs(jnp.zeros((3, 2)), jnp.zeros((3, 2))).push(jnp.array([1.0, 0.0]), jnp.array([2.0, 0.0]))
    vector = jnp.array([1.0, 1.0])
    np.testing.assert_allclose(pairs.apply(vector), [0.5, 0.5])
    cleared = pairs.push(jnp.array([0.0, 1.0]), jnp.array([0.0, -1.0]))
    np.testing.assert_array_equal(cleared.apply(vector), vector)


def test_a_memory_of_nothing_is_refused():
    with pytest.raises(ValueError, match="memory_size 0"):
        ct.solvers.ScaledLBFGS(memory_size=0)

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.linalg import solve_normal
from colora_theory.solvers.linearization import Linearization
from colora_theory.solvers.reduced_step import ConjugateGradient, Direct
from colora_theory.starts import fit_cores

ZERO = jnp.zeros(())


@pytest.fixture(scope="module")
def noisy():
    return ct.sample_instance(jax.random.key(2), ct.TaskFamily(6, 7, 6, (3, 2)), 20, 0.3)


@pytest.fixture(scope="module")
def model(noisy):
    """Not at the minimum, but in its neighbourhood, with least-squares cores."""
    near = ct.starts.Near(noisy.truth, 0.05)(noisy.problem, (3, 2), jax.random.key(1))
    return Linearization.at(noisy.problem, near).fit_cores()


def loss_along(problem, factors):
    """The reduced cost as a function of the entries of U^T and V^T, row by row."""

    def loss(entries):
        split = factors.left.size
        left = factors.left + entries[:split].reshape(factors.left.T.shape).T
        right = factors.right + entries[split:].reshape(factors.right.T.shape).T
        return problem.loss(fit_cores(problem, left, right))

    return loss


def flatten(proposal):
    return jnp.concatenate([proposal.left.T.reshape(-1), proposal.right.T.reshape(-1)])


def test_where_curved_the_step_is_newtons(noisy, model):
    """Hessian of the reduced cost by automatic differentiation, restricted to changes orthogonal to U and V."""
    loss = loss_along(noisy.problem, model.factors)
    origin = jnp.zeros(model.factors.left.size + model.factors.right.size)
    gradient, hessian = jax.grad(loss)(origin), jax.hessian(loss)(origin)
    blocks = [jnp.eye(len(basis)) - basis @ basis.T for basis in (model.factors.left, model.factors.right)]
    along = jax.scipy.linalg.block_diag(*[blocks[0]] * 3, *[blocks[1]] * 2)
    outside = jnp.eye(len(along)) - along
    newton = solve_normal(along @ hessian @ along + outside, -gradient)
    proposal = Direct().propose(noisy.problem, model, ZERO, jnp.asarray(True))
    np.testing.assert_allclose(flatten(proposal), newton, atol=1e-8)
    assert jnp.linalg.norm(flatten(Direct().propose(noisy.problem, model, ZERO, jnp.asarray(False))) - newton) > 1e-4


def test_conjugate_gradients_find_the_direct_step(noisy, model):
    """With the forcing term out of the way: both solve the same Gauss-Newton equations, on the same subspaces."""
    exact = eqx.tree_at(lambda model: model.residual, model, 1e-9 * model.residual)
    steps = [
        step.propose(noisy.problem, exact, ZERO, jnp.asarray(False)) for step in (Direct(), ConjugateGradient(500))
    ]
    directions = [
        jnp.concatenate([(side - basis @ (basis.T @ side)).reshape(-1) for side, basis in sides])
        for sides in (((step.left, model.factors.left), (step.right, model.factors.right)) for step in steps)
    ]
    np.testing.assert_allclose(directions[0], directions[1], rtol=1e-5, atol=1e-6 * jnp.max(jnp.abs(directions[0])))
    np.testing.assert_allclose(steps[0].promised, steps[1].promised, rtol=1e-5)


@pytest.mark.parametrize("step", [Direct(), ConjugateGradient()], ids=["direct", "cg"])
def test_convergence_is_quadratic_without_noise(step):
    instance = ct.sample_instance(jax.random.key(8), ct.TaskFamily(10, 10, 8, 2), 24)
    solution = ct.solve(
        instance.problem, ct.solvers.VariableProjection(reduced_step=step), ct.starts.Near(instance.truth, 0.1), 2
    )
    residuals = np.asarray(solution.trace.relative_residual[: int(solution.num_steps) + 1])
    assert residuals[-1] < 20 * np.finfo(float).eps
    small = residuals[(residuals < 0.1) & (residuals > 1e-7)]
    assert len(small) >= 2
    assert all(after < 30 * before**2 for before, after in zip(small, residuals[-len(small) :], strict=True))


def test_few_steps_are_enough_with_noise():
    """Gauss-Newton alone takes more than 30: the residual is a third of the data."""
    noisy = ct.sample_instance(jax.random.key(1), ct.TaskFamily(30, 10, 8, 2), 12, 1.0).problem
    solution = ct.solve(noisy, ct.solvers.VariableProjection(), ct.starts.Stacked(), 2, max_steps=25)
    assert solution.status == ct.Status.CONVERGED
    plain = ct.solvers.VariableProjection(reduced_step=ConjugateGradient())
    assert ct.solve(noisy, plain, ct.starts.Stacked(), 2, max_steps=25).status == ct.Status.MAX_STEPS


@pytest.mark.parametrize("step", [Direct(), ConjugateGradient()], ids=["direct", "cg"])
def test_the_condition_number_costs_at_most_twice_the_steps(step):
    steps = []
    for condition_number in (1.0, 100.0):
        family = ct.TaskFamily(12, 10, 10, 2, condition_number=condition_number)
        instance = ct.sample_instance(jax.random.key(6), family, 30)
        solver = ct.solvers.VariableProjection(reduced_step=step)
        solution = ct.solve(instance.problem, solver, ct.starts.Stacked(), 2)
        assert ct.metrics.relative_error(solution.factors, instance.truth) < 1e-11
        steps.append(int(solution.num_steps))
    assert steps[1] <= 2 * steps[0]

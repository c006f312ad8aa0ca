"""The ledger against a federation that really passes messages, float by float."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.communication import sent_by_start
from tests import federated_servers as servers
from tests import federated_starts
from tests.federated_lbfgs import factored_lbfgs
from tests.federated_users import User, Wire

RANK = (2, 1)


class Given(ct.starts.AbstractStart):
    """Known subspaces, which cost nothing."""

    left: jax.Array
    right: jax.Array

    def subspaces(self, problem, rank, key):
        return self.left, self.right


def draw(noise, users=4, samples=12, rank=RANK):
    """A problem with weights, some of them zero, the same as users, and subspaces to start from."""
    key = jax.random.key(3)
    problem = ct.sample_instance(key, ct.TaskFamily(users, 5, 4, rank), samples, noise).problem
    weights = jax.random.uniform(key, problem.targets.shape).at[1, -2:].set(0.0)
    problem = ct.Problem(problem.sensing, problem.targets, weights)
    A, y = np.asarray(problem.sensing.matrices), np.asarray(problem.targets)
    members = [User(A[i], y[i], np.asarray(weights[i])) for i in range(users)]
    rng = np.random.default_rng(1)
    left, right = (np.linalg.qr(rng.standard_normal(shape))[0] for shape in zip((5, 4), rank, strict=True))
    return problem, members, left, right


def composed(members):
    return np.stack([user.left @ user.core @ user.right.T for user in members])


CASES = {
    "alternating": (ct.solvers.AlternatingMinimization(), servers.alternating, 0.0, 3),
    "gradient": (ct.solvers.GradientDescent(), servers.gradient_descent, 0.0, 4),
    "altgdmin": (ct.solvers.AltGDmin(), servers.altgdmin, 0.0, 4),
    "fedrep": (ct.solvers.FedRep(), servers.fedrep, 0.0, 4),
    # Few samples make for steps that are turned down, noise for exact Hessians.
    "scaled-gradient": (ct.solvers.ScaledGradientDescent(), servers.scaled_gradient, 0.0, 8),
    "variable-projection": (ct.solvers.VariableProjection(), servers.variable_projection, 1.0, 9),
    "variable-projection-cg": (
        ct.solvers.VariableProjection(reduced_step=ct.solvers.ConjugateGradient()),
        servers.conjugate_gradients,
        1.0,
        5,
    ),
}


@pytest.mark.parametrize(("rank", "samples"), [(RANK, 5), ((2, 4), 12)])  # then: one side has no subspace to find
def test_what_lbfgs_on_all_blocks_sends_is_counted(rank, samples):
    solver, steps = ct.solvers.FactoredLBFGS(memory_size=3), 9
    problem, members, left, right = draw(0.1, samples=samples, rank=rank)
    start = Given(jnp.asarray(left), jnp.asarray(right))
    solution = ct.solve(problem, solver, start, rank, max_steps=steps, gradient_tol=0.0)
    assert int(solution.num_steps) == steps
    accepted = np.asarray(solution.trace.effort.accepted)[1:steps]
    assert set(accepted) == {0.0, 1.0}
    assert sum(accepted) > 3  # the memory is full
    wire = Wire(members)
    factored_lbfgs(wire, left, right, steps, memory=3)
    np.testing.assert_allclose(composed(members), solution.factors.compose(), atol=1e-10)
    ledger = ct.communication(solver, solution)
    assert (ledger.rounds[-1], ledger.floats_up[-1], ledger.floats_down[-1]) == wire.sent


@pytest.mark.parametrize("name", CASES)
def test_every_float_that_crosses_is_counted(name):
    solver, server, noise, steps = CASES[name]
    problem, members, left, right = draw(noise, samples=5 if name == "scaled-gradient" else 12)
    start = Given(jnp.asarray(left), jnp.asarray(right))
    solution = ct.solve(problem, solver, start, RANK, max_steps=steps, gradient_tol=0.0)
    assert int(solution.num_steps) == steps
    wire = Wire(members)
    server(wire, left, right, steps)
    np.testing.assert_allclose(composed(members), solution.factors.compose(), atol=1e-10)
    ledger = ct.communication(solver, solution)
    assert (ledger.rounds[-1], ledger.floats_up[-1], ledger.floats_down[-1]) == wire.sent
    assert ledger.total_floats == 4 * (wire.up + wire.down)
    np.testing.assert_allclose(ledger.megabytes[-1], 8e-6 * ledger.total_floats)
    assert len(ledger.rounds) == steps + 1
    assert (np.diff(ledger.floats_up) > 0).all()
    effort = solution.trace.effort
    if name == "variable-projection":
        # Exact Hessians with the normal equations, after them, and not again after a step that was turned down.
        curved, moved = np.asarray(effort.curved)[2 : steps + 1], np.asarray(effort.accepted)[1:steps]
        assert {0.0, 1.0} == set(curved) == set(moved)
    if name == "scaled-gradient":
        assert 0 in np.asarray(effort.accepted)[1:steps]


BASELINES = {
    "averaged-factors": (ct.baselines.average_factors, servers.average_factors, {"local_steps": 2}),
    "averaged-products": (ct.baselines.average_products, servers.average_products, {"local_steps": 2}),
    "fed-sgd": (ct.baselines.fed_sgd, servers.fed_sgd, {}),
}


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_in_rounds_are_counted(name):
    baseline, server, keywords = BASELINES[name]
    problem, members, left, right = draw(0.1)
    rank = (1, 1) if "averaged" in name else RANK
    left, right = left[:, : rank[0]], right
    solution = baseline(problem, rank, Given(jnp.asarray(left), jnp.asarray(right)), max_steps=3, **keywords)
    wire = Wire(members)
    server(wire, left, right, 3)
    np.testing.assert_allclose(composed(members), solution.factors.compose(), atol=1e-10)
    ledger = ct.communication(baseline, solution)
    assert (ledger.rounds[-1], ledger.floats_up[-1], ledger.floats_down[-1]) == wire.sent


STARTS = {
    "pooled": (ct.starts.Pooled(), federated_starts.pooled),
    "stacked": (ct.starts.Stacked(), federated_starts.stacked),
    "two-replica": (ct.starts.TwoReplica(), federated_starts.two_replica),
    "weighted": (ct.starts.Weighted(), federated_starts.weighted),
    "method-of-moments": (ct.starts.MethodOfMoments(), federated_starts.method_of_moments),
    "annealed": (ct.starts.Annealed(sweeps=2), federated_starts.annealed),
}


@pytest.mark.parametrize("name", STARTS)
def test_starts_are_counted(name):
    start, server = STARTS[name]
    problem, members, left, right = draw(0.1)
    rank = RANK
    if name == "annealed":
        # From known subspaces, which cost nothing.
        near = ct.Factors(jnp.asarray(left), jnp.zeros((4, *RANK)), jnp.asarray(right))
        start = ct.starts.Annealed(ct.starts.Near(near), sweeps=2)
        drawn = jax.random.split(jax.random.key(5))[1]
        for index in range(2):
            weights = jax.random.exponential(jax.random.fold_in(drawn, index), problem.targets.T.shape).T
            for user, own in zip(members, np.asarray(weights), strict=True):
                user.shaken.append(own)
    bases = jax.jit(lambda problem: start.subspaces(problem, rank, jax.random.key(5)))(problem)
    wire = Wire(members)
    found = server(wire, left, right) if name == "annealed" else server(wire, rank)
    for one, other in zip(bases, found, strict=True):
        np.testing.assert_allclose(one @ one.T, other @ other.T, atol=1e-9)
    assert sent_by_start(start, (5, 4), rank) == wire.sent


def test_starts_come_before_the_first_step(instance):
    solver, start = ct.solvers.AlternatingMinimization(), ct.starts.Turned(ct.starts.Stacked())
    solution = ct.solve(instance.problem, solver, ct.starts.Random(), (3, 2), max_steps=2)
    without, ledger = ct.communication(solver, solution), ct.communication(solver, solution, start)
    np.testing.assert_array_equal(ledger.floats_up - without.floats_up, 9 * 10 // 2 + 7 * 8 // 2)
    np.testing.assert_array_equal(ledger.rounds - without.rounds, 1)
    np.testing.assert_array_equal(ledger.floats_down, without.floats_down)
    assert "5 rounds" in ledger.summary()
    with pytest.raises(TypeError, match="method oracle sends is not known; of: AlternatingMinimization"):
        ct.communication(ct.baselines.oracle, solution)
    with pytest.raises(TypeError, match="start Given sends is not known"):
        ct.communication(solver, solution, Given(instance.truth.left, instance.truth.right))
    with pytest.raises(ValueError, match="has no effort"):
        ct.communication(ct.solvers.VariableProjection(), solution)

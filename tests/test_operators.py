"""Every operator with what is made for problems: starts, solvers, bounds; beside the same data by dense matrices."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

import colora_theory as ct
from colora_theory.grassmann import principal_sines
from tests.registries import SENSING, SOLVERS, STARTS, dense_oracle

STRUCTURED = ["rank-one", "vector-output", "entry-mask"]
USERS, SAMPLES, ROWS, COLS, RANK = 4, 24, 6, 5, (2, 2)


def draw(name, users=USERS, samples=SAMPLES, rows=ROWS, cols=COLS, rank=RANK):
    key = jax.random.key(1)
    truth = ct.TaskFamily(users, rows, cols, rank).sample_truth(key)
    sensing = SENSING[name](key, users, samples, rows, cols)
    targets = sensing(truth.compose())
    return ct.Problem(sensing, targets, jnp.ones_like(targets)), truth


def with_weights(problem):
    weights = jax.random.uniform(jax.random.key(2), problem.targets.shape, minval=0.5, maxval=1.5)
    return eqx.tree_at(lambda problem: problem.sample_weights, problem, weights)


@pytest.mark.parametrize(
    ("name", "solver"), [("rank-one", "scaled-lbfgs"), ("vector-output", "alternating"), ("entry-mask", "altgdmin")]
)
def test_solvers_find_the_truth(name, solver):
    """Variable projection is met in `test_doors`; that the parts are the same for all, in `test_sensing`."""
    problem, truth = draw(name)
    solution = ct.solve(problem, SOLVERS[solver], ct.starts.Near(truth, 0.3), RANK, max_steps=3000)
    assert solution.status == ct.Status.CONVERGED
    assert ct.metrics.relative_error(solution.factors, truth) < 1e-8


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", STRUCTURED)
def test_every_solver_takes_every_operator(name, solver):
    problem, truth = draw(name)
    state = eqx.filter_eval_shape(SOLVERS[solver].init, problem, truth)
    stepped = eqx.filter_eval_shape(SOLVERS[solver].step, problem, state)
    assert jax.tree.structure(stepped) == jax.tree.structure(state)


@pytest.mark.parametrize("name", STRUCTURED)
def test_baselines_and_shrinkage_take_every_operator(name):
    problem, truth = draw(name)
    shrunk = eqx.filter_eval_shape(ct.shrink, problem, truth)
    assert shrunk.factors.cores.shape == truth.cores.shape
    for baseline in (ct.baselines.alone, ct.baselines.pooled):
        weights = eqx.filter_eval_shape(lambda problem, fit=baseline: fit(problem, 1).factors.compose(), problem)
        assert weights.shape == (USERS, ROWS, COLS)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("name", STRUCTURED)
def test_every_start_takes_every_operator(name, start):
    problem, _ = draw(name)
    left, right = eqx.filter_eval_shape(STARTS[start].subspaces, problem, RANK, jax.random.key(0))
    assert (left.shape, right.shape) == ((ROWS, RANK[0]), (COLS, RANK[1]))


@pytest.mark.parametrize("start", ["pooled", "stacked", "weighted"])
@pytest.mark.parametrize("name", STRUCTURED)
def test_spectral_starts_see_what_dense_matrices_show(name, start):
    """Of dense matrices whose entries have a mean square of one, as `Dense` is taken to have."""
    problem, _ = draw(name)
    root = problem.sensing.moment_factor**0.5
    isotropic = ct.sensing.Dense(root * dense_oracle(problem.sensing).entries)
    same = ct.Problem(isotropic, root * problem.targets, problem.sample_weights)
    key = jax.random.key(0)
    ours, theirs = (STARTS[start].subspaces(each, RANK, key) for each in (problem, same))
    for one, other in zip(ours, theirs, strict=True):
        assert jnp.max(principal_sines(one, other)) < 1e-9


@pytest.mark.parametrize("name", STRUCTURED)
def test_moments_of_noise_have_the_variance_that_the_weighted_start_takes(name):
    sensing = SENSING[name](jax.random.key(3), 400, 12, 4, 3)
    noise = jax.random.normal(jax.random.key(4), (400, sensing.num_samples))
    problem = ct.Problem(sensing, noise, jnp.ones_like(noise))
    size = jnp.linalg.norm(noise, axis=1) / noise.shape[1]
    unit = problem.moments() / (sensing.moment_factor**0.5 * size)[:, None, None]
    np.testing.assert_allclose(jnp.mean(jnp.square(unit)), 1.0, rtol=0.05)


@pytest.mark.parametrize("name", STRUCTURED)
def test_bounds_are_those_of_dense_matrices(name):
    problem, truth = draw(name)
    problem = with_weights(problem)
    same = ct.Problem(dense_oracle(problem.sensing), problem.targets, problem.sample_weights)
    ours, theirs = ct.theory.TangentGram.at(problem, truth), ct.theory.TangentGram.at(same, truth)
    np.testing.assert_allclose(ours.dense(), theirs.dense(), rtol=1e-10, atol=1e-10)
    for bound in (ct.theory.contraction_factor, lambda *data: ct.theory.cramer_rao(*data, noise=0.3).mean):
        np.testing.assert_allclose(bound(problem, truth), bound(same, truth), rtol=1e-8)


@pytest.mark.parametrize("name", STRUCTURED)
def test_an_isotropic_design_is_an_isometry_on_average(name):
    problem, truth = draw(name, users=2, samples=3000 if name != "entry-mask" else 30, rank=(1, 1))
    assert ct.theory.isometry_constant(problem, truth) < (1e-12 if name == "entry-mask" else 0.3)


def largest_array(jaxpr):
    sizes = [0]
    for equation in jaxpr.eqns:
        sizes += [int(np.prod(out.aval.shape)) for out in equation.outvars]
        sizes += [largest_array(inner) for inner in jaxprs_in_params(equation.params)]
    return max(sizes)


@pytest.mark.parametrize("solver", ["alternating", "variable-projection"])
@pytest.mark.parametrize("name", STRUCTURED)
def test_no_dense_design_is_formed(name, solver):
    problem, truth = draw(name, users=2, samples=48, rows=24, cols=20, rank=(1, 1))
    solver = SOLVERS[solver]
    jaxpr, *_ = eqx.filter_make_jaxpr(lambda problem: solver.step(problem, solver.init(problem, truth)))(problem)
    dense = problem.targets.size * 24 * 20
    assert 0 < largest_array(jaxpr.jaxpr) < dense / 5

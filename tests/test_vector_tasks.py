"""Vector tasks: W_i = U c_i, with one column and nothing to find on the right."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.solvers.linearization import Linearization

RANK = (2, 1)
SOLVERS = (
    ct.solvers.AlternatingMinimization(),
    ct.solvers.FedRep(),
    ct.solvers.FactoredLBFGS(),
    ct.solvers.ScaledLBFGS(),
)
STARTS = (ct.starts.Stacked(), ct.starts.TwoReplica(), ct.starts.MethodOfMoments())


@pytest.fixture(scope="module")
def noisy():
    return ct.sample_instance(jax.random.key(1), ct.TaskFamily(12, 8, 1, RANK), 20, 0.3)


@pytest.fixture(scope="module")
def designs(noisy):
    """X_i, shape (users, samples, rows), and y_i as numpy arrays."""
    problem = noisy.problem
    return np.asarray(problem.sensing.matrices)[..., 0], np.asarray(problem.targets)


@pytest.fixture(scope="module")
def best(noisy):
    return ct.solve(noisy.problem, ct.solvers.VariableProjection(), ct.starts.Stacked(), RANK).factors


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: type(solver).__name__)
def test_every_solver_finds_the_least_squares_fit(solver, noisy, best):
    solution = ct.solve(noisy.problem, solver, ct.starts.Stacked(), RANK, max_steps=5000)
    assert solution.status == ct.Status.CONVERGED
    np.testing.assert_allclose(solution.factors.compose(), best.compose(), atol=1e-7)


@pytest.mark.parametrize("start", STARTS, ids=lambda start: type(start).__name__)
def test_every_start_leaves_nothing_to_find_on_the_right(start, noisy, key):
    factors = start(noisy.problem, RANK, key)
    assert factors.left.shape == (8, 2)
    np.testing.assert_allclose(jnp.abs(factors.right), [[1.0]])


def test_method_of_moments_is_the_published_formula(noisy, designs, key):
    """Top eigenvectors of (1/N) sum y^2 x x^T."""
    X, y = designs
    moment = np.einsum("kn,kna,knb->ab", y**2, X, X) / y.size
    left, _ = ct.starts.MethodOfMoments().subspaces(noisy.problem, RANK, key)
    values = np.linalg.eigvalsh(moment)[::-1]
    np.testing.assert_allclose(np.einsum("ar,ab,bs->rs", left, moment, left), np.diag(values[:2]), atol=1e-10)


def test_method_of_moments_of_matrices_is_the_brute_force_sum(instance, key):
    A, y = np.asarray(instance.problem.sensing.matrices), np.asarray(instance.problem.targets)
    left, right = ct.starts.MethodOfMoments().subspaces(instance.problem, (3, 2), key)
    for basis, gram in (
        (left, np.einsum("kn,knab,kncb->ac", y**2, A, A)),
        (right, np.einsum("kn,knab,knac->bc", y**2, A, A)),
    ):
        projected = np.trace(np.einsum("ar,ab,bs->rs", basis, gram, basis))
        np.testing.assert_allclose(projected, np.linalg.eigvalsh(gram)[::-1][: basis.shape[1]].sum(), rtol=1e-12)


def test_two_replica_is_the_symmetrised_product_of_the_halves(instance, key):
    A, y = np.asarray(instance.problem.sensing.matrices), np.asarray(instance.problem.targets)
    first, second = (
        np.einsum("kn,knab->kab", y[:, half], A[:, half]) for half in (slice(0, None, 2), slice(1, None, 2))
    )
    left, _ = ct.starts.TwoReplica().subspaces(instance.problem, (3, 2), key)
    gram = np.einsum("kab,kcb->ac", first, second)
    expected = np.linalg.eigh(gram + gram.T)[1][:, ::-1][:, :3]
    np.testing.assert_allclose(np.abs(np.linalg.det(expected.T @ left)), 1.0, rtol=1e-10)


def test_noise_of_unequal_size_does_not_mislead_two_replicas(key):
    """Rows of the design at three times the size elsewhere: their noise hides the signal from the stacked start."""
    truth = ct.TaskFamily(400, 10, 1, RANK).sample_truth(key)
    design_key, noise_key = jax.random.split(jax.random.key(5))
    scale = jnp.where(jnp.arange(10) < 3, 3.0, 1.0)
    entries = jax.random.normal(design_key, (10, 1, 400, 16)) * scale[:, None, None, None]
    left = jnp.where((scale == 1.0)[:, None], truth.left, 0.0)
    truth = ct.Factors(jnp.linalg.qr(left)[0], truth.cores, truth.right)
    sensing = ct.sensing.Dense(entries)
    targets = sensing(truth.compose()) + jax.random.normal(noise_key, (400, 16))
    problem = ct.Problem(sensing, targets, jnp.ones_like(targets))
    sines = [ct.metrics.sine_left(start(problem, RANK, key), truth) for start in STARTS[:2]]
    assert sines[1] < 0.5 < sines[0]


def test_a_task_alone_is_plain_least_squares(noisy, designs):
    X, y = designs
    weights = ct.baselines.alone(noisy.problem, RANK).factors.compose()[..., 0]
    expected = [np.linalg.lstsq(design, targets, rcond=None)[0] for design, targets in zip(X, y, strict=True)]
    np.testing.assert_allclose(weights, expected, atol=1e-8)


def test_the_penalty_of_the_factored_loss_balances_and_does_not_move_the_minimum(noisy, best):
    fits = [
        ct.solve(noisy.problem, ct.solvers.FactoredLBFGS(balance=weight), ct.starts.Stacked(), RANK, max_steps=5000)
        for weight in (0.0125, 1.25)
    ]
    for fit in fits:
        np.testing.assert_allclose(fit.factors.compose(), best.compose(), atol=1e-7)
    state = ct.solvers.FactoredLBFGS().init(noisy.problem, best)
    np.testing.assert_allclose(state.factors.compose(), best.compose(), atol=1e-12)


def test_fedrep_takes_the_step_that_it_says(noisy, designs, best):
    """B - 0.1 times the gradient of the mean over clients and samples of the squared residual, at exact heads."""
    X, y = designs
    left = np.asarray(ct.starts.Random()(noisy.problem, RANK, jax.random.key(3)).left)
    heads = np.stack(
        [np.linalg.lstsq(design @ left, target, rcond=None)[0] for design, target in zip(X, y, strict=True)]
    )
    residual = y - np.einsum("kna,ar,kr->kn", X, left, heads)
    moved = left + 0.2 * np.einsum("kn,kna,kr->ar", residual, X, heads) / y.size
    solver, right = ct.solvers.FedRep(0.1), jnp.ones((1, 1))
    factors = ct.Factors(jnp.asarray(left), jnp.zeros((12, 2, 1)), right)
    state = solver.step(noisy.problem, solver.init(noisy.problem, factors))
    assert ct.metrics.sine_left(state.factors, ct.Factors(jnp.asarray(moved), factors.cores, right)) < 1e-12


def test_fed_sgd_has_one_model_for_all_and_misses_the_subspace(key):
    instance = ct.sample_instance(key, ct.TaskFamily(40, 8, 1, RANK), 10)
    solution = ct.baselines.fed_sgd(instance.problem, RANK, key=key, max_steps=100)
    weights = solution.factors.compose()
    np.testing.assert_allclose(weights, jnp.broadcast_to(weights[:1], weights.shape))
    assert solution.status == ct.Status.MAX_STEPS
    assert ct.metrics.sine_left(solution.factors, instance.truth) > 0.5
    assert ct.baselines.fed_sgd(instance.problem, RANK, max_steps=100, step_size=1e3).status == ct.Status.NONFINITE


def test_nuclear_norm_meets_its_optimality_condition(noisy, designs):
    """At the minimizer the gradient has operator norm at most the ridge, and equals it along the estimate."""
    X, y = designs
    solution = ct.baselines.nuclear_norm(noisy.problem, (8, 1), max_steps=5000, tol=1e-12)
    assert solution.status == ct.Status.CONVERGED
    weights = np.asarray(solution.factors.compose())[..., 0].T
    residual = y - np.einsum("kna,ak->kn", X, weights)
    ridge = np.sqrt(np.mean(residual**2)) * (np.sqrt(8) + np.sqrt(12)) * np.sqrt(20)
    descent = np.einsum("kn,kna->ak", residual, X)
    assert np.linalg.norm(descent, 2) <= ridge * (1 + 1e-6)
    np.testing.assert_allclose(np.sum(descent * weights), ridge * np.linalg.norm(weights, "nuc"), rtol=1e-6)


def test_nuclear_norm_lies_between_each_task_alone_and_the_oracle(key):
    """Few samples and much noise."""
    drawn = ct.sample_instance(key, ct.TaskFamily(30, 20, 1, RANK), 30, 1.0)
    X, y = np.asarray(drawn.problem.sensing.matrices)[..., 0], np.asarray(drawn.problem.targets)
    alone = np.stack([np.linalg.lstsq(design, target, rcond=None)[0] for design, target in zip(X, y, strict=True)])
    truth = np.asarray(drawn.truth.compose())
    convex, oracle = (
        np.linalg.norm(np.asarray(fit.factors.compose()) - truth)
        for fit in (ct.baselines.nuclear_norm(drawn.problem, RANK), ct.baselines.oracle(drawn.problem, drawn.truth))
    )
    assert oracle < convex < np.linalg.norm(alone[..., None] - truth)


def test_bounds_know_that_nothing_is_unknown_on_the_right(noisy, best):
    problem, truth = noisy.problem, noisy.truth
    assert ct.theory.degrees_of_freedom(12, 8, 1, RANK) == 2 * 6 + 12 * 2
    bound = ct.theory.cramer_rao(problem, truth, 0.3).mean
    assert 0.3 * bound < ct.metrics.mean_squared_error(best, truth) < 3 * bound
    assert 0 < ct.theory.contraction_factor(problem, truth) < 1


def test_cores_are_expanded_from_the_side_that_holds_less(noisy, monkeypatch):
    """The restriction to U has one column where that to V has all the data."""
    problem, factors = noisy.problem, noisy.truth.orthonormalize()
    model = Linearization.at(problem, factors)
    for side, free, transposed in ((model.at_right, factors.left, False), (model.at_left, factors.right, True)):
        design = side.core_design(free).reshape(*(RANK[::-1] if transposed else RANK), *problem.targets.shape)
        design = jnp.swapaxes(design, 0, 1) if transposed else design
        np.testing.assert_allclose(model.core_design, design.reshape(model.core_design.shape), rtol=1e-12, atol=1e-13)
    monkeypatch.setattr(type(model.at_right), "core_design", None)
    Linearization.at(problem, factors)

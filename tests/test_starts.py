"""The contract of every start."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.grassmann import principal_sines
from tests.registries import STARTS


@pytest.fixture(params=STARTS, ids=str)
def start(request):
    return STARTS[request.param]


def test_bases_are_orthonormal_and_cores_are_best(start, instance, key):
    factors = start(instance.problem, (3, 2), key)
    np.testing.assert_allclose(factors.left.T @ factors.left, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(factors.right.T @ factors.right, np.eye(2), atol=1e-12)
    gradient = jax.grad(lambda cores: instance.problem.loss(ct.Factors(factors.left, cores, factors.right)))(
        factors.cores
    )
    assert jnp.linalg.norm(gradient) < 1e-9 * jnp.linalg.norm(instance.problem.targets)


def test_the_scale_of_the_data_does_not_matter(start, instance, key):
    problem = instance.problem
    scaled = ct.Problem(problem.sensing, 1e6 * problem.targets, problem.sample_weights)
    first, second = start(problem, (3, 2), key), start(scaled, (3, 2), key)
    assert principal_sines(first.left, second.left)[0] < 1e-8
    assert principal_sines(first.right, second.right)[0] < 1e-8


def test_padding_does_not_matter(start, instance, key):
    problem = instance.problem
    extra = jax.random.normal(jax.random.key(9), (9, 7, 6, 5))
    padded = ct.Problem(
        ct.sensing.Dense(jnp.concatenate([problem.sensing.entries, extra], axis=3)),
        jnp.concatenate([problem.targets, jnp.full((6, 5), 1e3)], axis=1),
        jnp.concatenate([problem.sample_weights, jnp.zeros((6, 5))], axis=1),
    )
    first, second = start(problem, (3, 2), key), start(padded, (3, 2), key)
    assert principal_sines(first.left, second.left)[0] < 1e-8
    np.testing.assert_allclose(first.compose(), second.compose(), atol=1e-8)


def test_all_zero_data_give_zero_cores(start, instance, key):
    problem = instance.problem
    zero = ct.Problem(problem.sensing, jnp.zeros_like(problem.targets), problem.sample_weights)
    factors = start(zero, (3, 2), key)
    assert jnp.isfinite(factors.left).all()
    assert not factors.cores.any()


@pytest.mark.parametrize("name", ["pooled", "stacked", "weighted"])
def test_spectral_starts_find_the_subspaces_with_many_samples(name, key):
    instance = ct.sample_instance(key, ct.TaskFamily(8, 10, 8, 2, similarity=0.7), 4000)
    factors = STARTS[name](instance.problem, (2, 2), key)
    assert ct.metrics.sine_left(factors, instance.truth) < 0.1
    assert ct.metrics.sine_right(factors, instance.truth) < 0.1


def test_weighted_is_as_good_as_the_better_of_both_at_every_similarity():
    """Mean squared cosines over ten draws; where the two are equally good it is better than either."""

    starts = (ct.starts.Pooled(), ct.starts.Stacked(), ct.starts.Weighted())

    def overlaps(lane):
        similarity, seed = lane
        drawn = ct.sample_instance(jax.random.key(seed), ct.TaskFamily(16, 30, 30, 2, similarity=similarity), 30, 0.5)
        found = [start(drawn.problem, (2, 2), jax.random.key(0)).left for start in starts]
        return jnp.stack([jnp.sum(jnp.square(drawn.truth.left.T @ left)) / 2 for left in found])

    for similarity, gain in ((0.0, 0.0), (0.5, 0.03), (0.9, -0.04)):
        pooled, stacked, weighted = jnp.mean(jax.lax.map(overlaps, (jnp.full(10, similarity), jnp.arange(10))), axis=0)
        assert weighted > jnp.maximum(pooled, stacked) + gain


def test_pooled_needs_similar_tasks_and_stacked_does_not(key):
    """With cores that sum to zero the pooled moment holds no signal at all."""
    truth = ct.TaskFamily(8, 10, 8, 2).sample_truth(key)
    centred = ct.Factors(truth.left, truth.cores - jnp.mean(truth.cores, axis=0, keepdims=True), truth.right)
    sensing = ct.sensing.Dense(jax.random.normal(key, (10, 8, 8, 2000)))
    targets = sensing(centred.compose())
    problem = ct.Problem(sensing, targets, jnp.ones_like(targets))
    assert ct.metrics.sine_left(ct.starts.Pooled()(problem, (2, 2), key), truth) > 0.3
    assert ct.metrics.sine_left(ct.starts.Stacked()(problem, (2, 2), key), truth) < 0.1


def test_pooled_can_have_a_rank_above_the_other_side(key):
    instance = ct.sample_instance(key, ct.TaskFamily(8, 6, 2, (4, 2)), 50)
    factors = ct.starts.Pooled()(instance.problem, (4, 2), key)
    assert factors.left.shape == (6, 4)


@pytest.mark.parametrize("sine", [0.0, 1e-6, 0.5])
def test_near_is_as_far_as_asked(instance, key, sine):
    factors = ct.starts.Near(instance.truth, sine)(instance.problem, (3, 2), key)
    np.testing.assert_allclose(ct.metrics.sine_left(factors, instance.truth), sine, atol=1e-12)
    np.testing.assert_allclose(ct.metrics.sine_right(factors, instance.truth), sine, atol=1e-12)


def test_near_names_a_wrong_rank(instance, key):
    with pytest.raises(ValueError, match=r"rank \(3, 2\), rank \(2, 2\) was asked for"):
        ct.starts.Near(instance.truth)(instance.problem, (2, 2), key)


@pytest.fixture
def many_users(key):
    family = ct.TaskFamily(num_users=24, num_rows=9, num_cols=7, rank=(3, 2), similarity=0.3)
    return ct.sample_instance(key, family, num_samples=30)


def test_few_users_determine_the_subspaces_of_all(many_users, key):
    start = ct.starts.FewUsers()
    users = start.users(many_users.problem, (3, 2))
    count = len(range(24)[users])
    unknowns = ct.theory.degrees_of_freedom(count, 9, 7, (3, 2))
    assert 2 * unknowns <= 30 * count < 2 * ct.theory.degrees_of_freedom(count - 1, 9, 7, (3, 2)) + 60
    solution = ct.solve(many_users.problem, ct.solvers.VariableProjection(), start, (3, 2), key=key)
    assert solution.status == ct.Status.CONVERGED
    assert solution.num_steps == 0
    assert ct.metrics.relative_error(solution.factors, many_users.truth) < 1e-13


def test_few_users_ignore_the_data_of_all_others(many_users, key):
    problem, inner = many_users.problem, ct.starts.Near(many_users.truth, 0.3)
    start = ct.starts.FewUsers(inner)
    chosen = start.users(problem, (3, 2))
    others = np.setdiff1d(np.arange(24), np.arange(24)[chosen])
    spoiled = ct.Problem(problem.sensing, problem.targets.at[others].set(7.0), problem.sample_weights)
    first, second = start.subspaces(problem, (3, 2), key), start.subspaces(spoiled, (3, 2), key)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


def test_few_users_leave_the_start_alone_where_all_are_needed(instance, key):
    start = ct.starts.FewUsers()
    assert start.users(instance.problem, (3, 2)) is None
    for found, inner in zip(
        start.subspaces(instance.problem, (3, 2), key),
        ct.starts.Stacked().subspaces(instance.problem, (3, 2), key),
        strict=True,
    ):
        np.testing.assert_array_equal(found, inner)


def test_few_users_name_a_bad_number():
    with pytest.raises(ValueError, match=r"oversampling 0\.5 is outside \[1, inf\)"):
        ct.starts.FewUsers(oversampling=0.5)


def test_steps_are_taken_down_to_the_last_bits(many_users, key):
    """Cores that are not quite the best ones have a gradient along a change of basis, where the matrix is singular."""
    near = ct.starts.Near(many_users.truth, 1e-13)
    solution = ct.solve(many_users.problem, ct.solvers.VariableProjection(), near, (3, 2), key=key)
    assert solution.status == ct.Status.CONVERGED
    assert solution.num_steps <= 2


def test_cores_at_given_subspaces_are_exact_before_the_first_step(many_users, key):
    """A single fit from zero is as far off as the floor under the normal matrices, 100 epsilons."""
    near = ct.starts.Near(many_users.truth)
    solution = ct.solve(many_users.problem, ct.solvers.VariableProjection(), near, (3, 2), key=key)
    assert solution.num_steps == 0
    assert solution.relative_residual < 5e-15

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import theory


@pytest.mark.parametrize(
    ("users", "rows", "cols", "rank"), [(3, 5, 4, (2, 2)), (4, 6, 5, (3, 2)), (2, 3, 3, (3, 3)), (5, 4, 1, (2, 1))]
)
def test_degrees_of_freedom_is_the_rank_of_the_jacobian(users, rows, cols, rank):
    truth = ct.TaskFamily(users, rows, cols, rank).sample_truth(jax.random.key(1))
    jacobian = jax.jacobian(lambda factors: jnp.ravel(factors.compose()))(truth)
    flat = np.concatenate([np.asarray(leaf).reshape(users * rows * cols, -1) for leaf in jax.tree.leaves(jacobian)], 1)
    assert np.linalg.matrix_rank(flat) == theory.degrees_of_freedom(users, rows, cols, rank)


def test_alone_is_the_rank_of_the_jacobian_of_one_user():
    truth = ct.TaskFamily(1, 6, 5, 2).sample_truth(jax.random.key(1))
    jacobian = jax.jacobian(lambda factors: jnp.ravel(factors.compose()))(truth)
    flat = np.concatenate([np.asarray(leaf).reshape(30, -1) for leaf in jax.tree.leaves(jacobian)], 1)
    assert np.linalg.matrix_rank(flat) == theory.degrees_of_freedom_alone(6, 5, 2)


def test_the_published_example():
    """d = 20, r = 2: 76 samples alone; 22, 8.5 and 5.1 together with 4, 16 and 64 users."""
    assert theory.degrees_of_freedom_alone(20, 20, 2) == 76
    for users, together in ((4, 22.0), (16, 8.5), (64, 5.125)):
        assert theory.degrees_of_freedom(users, 20, 20, 2) / users == together
        assert theory.collaboration_gain(users, 20, 20, 2) == 76 / together
        assert theory.necessary_samples(users, 20, 20, 2) == np.ceil(together)
    assert theory.necessary_samples(100_000, 20, 20, 2) == 5
    assert theory.oversampling(17, 16, 20, 20, 2) == 2.0


def test_one_user_gains_nothing():
    assert theory.collaboration_gain(1, 20, 15, 3) == 1.0


def test_the_cores_bound_the_samples_when_factors_are_full():
    assert theory.necessary_samples(1000, 2, 2, 2) == 4


def test_identifiability_rank():
    rng = np.random.default_rng(0)
    same = np.broadcast_to(rng.standard_normal((2, 2)), (5, 2, 2))
    assert theory.identifiability_rank(same) == (2, 2), "identical invertible cores suffice"
    deficient = rng.standard_normal((5, 3, 2))
    deficient[:, 2] = deficient[:, 0]
    assert theory.identifiability_rank(deficient) == (2, 2)
    assert theory.identifiability_rank(rng.standard_normal((5, 3, 1))) == (3, 1)


def test_unidentifiable_subspaces_leave_the_weights_unchanged():
    """The converse, by example: where the stacked cores lose a rank, another U gives the same weights."""
    rng = np.random.default_rng(1)
    cores = rng.standard_normal((4, 2, 2))
    cores[:, 1] = 0.0
    left = np.linalg.qr(rng.standard_normal((5, 3)))[0]
    right = np.linalg.qr(rng.standard_normal((4, 2)))[0]
    first = ct.Factors(*map(jnp.asarray, (left[:, [0, 1]], cores, right)))
    second = ct.Factors(*map(jnp.asarray, (left[:, [0, 2]], cores, right)))
    np.testing.assert_allclose(first.compose(), second.compose(), atol=1e-14)
    assert ct.metrics.sine_left(first, second) > 0.99


def test_impossible_models_are_named():
    with pytest.raises(ValueError, match="rank 30 exceeds"):
        theory.degrees_of_freedom(3, 20, 20, 30)


@pytest.mark.parametrize(
    ("users", "rows", "cols", "rank", "necessary"), [(3, 4, 9, (2, 2), 5), (2, 5, 4, (2, 1), 3), (4, 3, 3, (1, 2), 3)]
)
def test_necessary_outputs_are_enough_for_generic_inputs_and_one_less_is_not(users, rows, cols, rank, necessary):
    assert theory.necessary_outputs(users, rows, cols, rank) == necessary
    truth = ct.TaskFamily(users, rows, cols, rank).sample_truth(jax.random.key(1))
    for outputs, regular in ((necessary, True), (necessary - 1, False)):
        inputs = jax.random.normal(jax.random.key(2), (users, outputs, cols))
        sensing = ct.sensing.VectorOutput(inputs, rows)
        nothing = jnp.zeros((users, sensing.num_samples))
        gram = theory.TangentGram.at(ct.Problem(sensing, nothing, jnp.ones_like(nothing)), truth).dense()
        assert (np.linalg.matrix_rank(gram, hermitian=True) == len(gram)) == regular


def test_covering_entries_cover():
    """By drawing: the union bound is kept, and is no more than twice too pessimistic about the failures."""
    rows, cols, rank, failure = 6, 9, (2, 1), 0.2
    entries = theory.covering_entries(rows, cols, rank, failure=failure)
    rng = np.random.default_rng(0)
    failed = []
    for _ in range(4000):
        row_counts = np.bincount(rng.integers(rows, size=entries), minlength=rows)
        col_counts = np.bincount(rng.integers(cols, size=entries), minlength=cols)
        failed.append(row_counts.min() < rank[0] or col_counts.min() < rank[1])
    assert failure / 2 < np.mean(failed) < failure + 5 * (failure / 4000) ** 0.5
    assert theory.covering_entries(rows, cols, rank, failure=0.01) > entries


def test_an_impossible_failure_probability_is_named():
    with pytest.raises(ValueError, match=r"failure 1\.5 is outside \(0, 1\)"):
        theory.covering_entries(5, 4, 2, failure=1.5)

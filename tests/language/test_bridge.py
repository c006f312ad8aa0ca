import numpy as np
import pytest

from colora_theory.language import bridge
from colora_theory.language.lexica import Task
from colora_theory.language.tasks import Labelled, Vocabulary, label
from colora_theory.solution import Status
from colora_theory.theory import noise_law

SEED = 0


@pytest.fixture(scope="module")
def vocabulary():
    points = np.random.default_rng(1).standard_normal((600, 40)) * np.linspace(1, 3, 40)
    return Vocabulary(tuple(f"w{number:03}" for number in range(600)), points)


def task_of(vocabulary, direction):
    """Of the words on one side of a plane."""
    there = vocabulary.embeddings @ direction > 0
    members, others = (frozenset(np.asarray(vocabulary.words)[at]) for at in (there, ~there))
    return Task(str(direction[:2]), members, others)


@pytest.fixture(scope="module")
def tasks(vocabulary):
    return [task_of(vocabulary, direction) for direction in np.random.default_rng(2).standard_normal((4, 40))]


@pytest.fixture(scope="module")
def problem(vocabulary, tasks):
    return bridge.regression(vocabulary, tasks, SEED)


def test_features_are_uncorrelated_with_unit_variance_on_the_words_to_learn_from(vocabulary, problem):
    there = problem.features[vocabulary.in_training(SEED)]
    moments = there.T @ there / len(there)
    np.testing.assert_allclose(moments, np.eye(bridge.COMPONENTS + 1), atol=1e-10)


def test_weights_are_the_best_where_both_kinds_count_half(vocabulary, tasks, problem):
    """The gradient of the weighted squares is zero, and what is left is the noise."""
    left = []
    for task, weights in zip(tasks, problem.weights, strict=True):
        members = vocabulary.holds(task.members)
        errors = np.where(members, 1.0, -1.0) - problem.features @ weights
        shares = np.where(members, 0.5 / members.sum(), 0.5 / (~members).sum())
        np.testing.assert_allclose(problem.features.T @ (shares * errors), 0, atol=1e-12)
        left.append(np.sum(shares * errors**2))
    assert problem.noise == pytest.approx(np.sqrt(np.mean(left)))


def test_measurements_are_of_the_users_own_words(vocabulary, tasks, problem):
    samples, _ = label(vocabulary, tasks, 12, 4, SEED)
    A, y = problem.measurements(samples)
    assert A.shape == (4, 12, 1, bridge.COMPONENTS + 1)
    np.testing.assert_array_equal(A[2, 5, 0], problem.features[samples.words[2, 5]])
    np.testing.assert_array_equal(y > 0, samples.labels)


def test_the_prediction_alone_is_the_law_of_least_squares(problem):
    """Of one row, so of rank one: d unknowns, each of which costs the noise over the samples."""
    predicted = problem.predict(400).alone
    size = problem.weights.shape[1]
    law = [noise_law(np.array([[[np.linalg.norm(own)]]]), 1, size, 400, problem.noise)[0] for own in problem.weights]
    assert predicted == pytest.approx(np.mean(law))
    assert predicted == pytest.approx(problem.noise**2 * size / (400 - size), rel=0.05)


def test_shared_weights_in_few_dimensions_are_found_exactly_without_noise(problem):
    rng = np.random.default_rng(3)
    size = problem.weights.shape[1]
    truth = rng.standard_normal((4, bridge.RANK)) @ rng.standard_normal((bridge.RANK, size))
    A = rng.standard_normal((4, 40, 1, size))
    y = np.einsum("knad,kd->kn", A, truth)
    for way, error in ((bridge.together, 1e-8), (bridge.alone, 1e-10)):
        weights, status = way(A, y)
        np.testing.assert_allclose(weights, truth, atol=error)
        assert status == Status.CONVERGED


def test_pooled_weights_are_those_of_all_words_at_once():
    rng = np.random.default_rng(4)
    A, y = rng.standard_normal((3, 10, 1, 5)), rng.standard_normal((3, 10))
    found, _ = bridge.pooled(A, y)
    gradient = np.einsum("knad,kn->d", A, y - np.einsum("knad,kd->kn", A, found))
    np.testing.assert_allclose(gradient, 0, atol=1e-12)
    np.testing.assert_array_equal(found[0], found[2])


def test_trained_numbers():
    assert [bridge.trained_numbers(way, 8, 17) for way in ("together", "alone", "pooled")] == [50, 136, 17]


def test_a_fit_of_too_few_measurements_is_told_by_its_status_alone():
    rng = np.random.default_rng(5)
    weights, status = bridge.together(rng.standard_normal((4, 3, 1, 17)), rng.standard_normal((4, 3)))
    assert np.isfinite(weights).all()
    assert status in Status


def test_labelled_users_have_as_many_words_each():
    with pytest.raises(ValueError, match="shape"):
        Labelled(*map(np.stack, ([[0, 1], [2]], [[True, False], [True]])))

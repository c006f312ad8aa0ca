import numpy as np
import pytest

from colora_theory.language.errors import LanguageError
from colora_theory.language.lexica import Task, categories, ratings
from colora_theory.language.tasks import (
    GROUPS,
    Labelled,
    Vocabulary,
    choose,
    directions,
    farthest,
    label,
    nearest,
    similarity,
)

WIDTH = 3
NUM_TASKS, NUM_WORDS = 6, 40


@pytest.fixture(scope="module")
def catalogue():
    """Six tasks with forty words of its own each."""
    own = {
        task: [f"{'abcdef'[task]}{chr(97 + word // 26)}{chr(97 + word % 26)}" for word in range(NUM_WORDS)]
        for task in range(NUM_TASKS)
    }
    every = frozenset(word for words in own.values() for word in words)
    return {str(task): Task(str(task), frozenset(words), every - frozenset(words)) for task, words in own.items()}


@pytest.fixture(scope="module")
def vocabulary(catalogue):
    """Words of a task lie around a point on a half circle, the tasks in their order along it."""
    rng, words = np.random.default_rng(0), sorted(word for task in catalogue.values() for word in task.members)
    angles = np.array(["abcdef".index(word[0]) for word in words]) * np.pi / 5
    points = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=1)
    return Vocabulary(tuple(words), points + 0.01 * rng.standard_normal((len(words), WIDTH)))


def test_no_word_of_a_test_is_learnt_from_by_anybody(vocabulary, catalogue):
    samples, tests = label(vocabulary, list(catalogue.values()), 20, 10, seed=0)
    assert not set(samples.words.ravel()) & set(tests.words.ravel())


def test_labels_are_those_of_the_tasks_and_half_of_them_yes(vocabulary, catalogue):
    tasks = list(catalogue.values())
    for labelled, count in zip(label(vocabulary, tasks, 20, 10, seed=0), (20, 10), strict=True):
        assert labelled.words.shape == labelled.labels.shape == (NUM_TASKS, count)
        assert (labelled.labels.sum(axis=1) == count // 2).all()
        for task, words, labels in zip(tasks, labelled.words, labelled.labels, strict=True):
            assert [vocabulary.words[word] in task.members for word in words] == labels.tolist()
            assert len(set(words)) == count


def test_fewer_samples_are_the_first_of_more_and_the_tests_stay(vocabulary, catalogue):
    tasks = list(catalogue.values())
    few, tests = label(vocabulary, tasks, 6, 10, seed=0)
    more, same = label(vocabulary, tasks, 20, 10, seed=0)
    np.testing.assert_array_equal(few.words, more.words[:, :6])
    np.testing.assert_array_equal(tests.words, same.words)


def test_a_users_words_do_not_depend_on_who_else_is_there(vocabulary, catalogue):
    tasks = list(catalogue.values())
    one, _ = label(vocabulary, tasks[2:3], 8, 4, seed=0)
    all_of_them, _ = label(vocabulary, tasks, 8, 4, seed=0)
    np.testing.assert_array_equal(one.words[0], all_of_them.words[2])


def test_seeds_differ(vocabulary, catalogue):
    tasks = list(catalogue.values())
    assert (label(vocabulary, tasks, 8, 4, seed=0)[0].words != label(vocabulary, tasks, 8, 4, seed=1)[0].words).any()


@pytest.mark.parametrize(
    ("counts", "message"), [((60, 4), "30 positive samples asked for"), ((8, 60), "positive tests")]
)
def test_too_few_words_are_named(vocabulary, catalogue, counts, message):
    with pytest.raises(LanguageError, match=message):
        label(vocabulary, list(catalogue.values()), *counts, seed=0)


def test_a_user_without_positive_words_is_refused():
    with pytest.raises(LanguageError, match="user 1 has no positive words among 2"):
        Labelled(np.zeros((2, 2), int), np.array([[True, False], [False, False]]))


def test_a_task_without_words_or_with_contradictions_is_refused():
    with pytest.raises(LanguageError, match="no negative words"):
        Task("t", frozenset({"a"}), frozenset())
    with pytest.raises(LanguageError, match="1 words that are positive and negative: b"):
        Task("t", frozenset({"a", "b"}), frozenset({"b"}))


def test_groups_are_ordered_by_their_similarity(vocabulary, catalogue):
    told = {}
    for group in GROUPS:
        tasks = choose(vocabulary, catalogue, group, 4, 10, seed=3)
        assert len({task.name for task in tasks}) == 4
        told[group] = similarity(directions(vocabulary, tasks, 3))
    assert told["similar"] > told["mixed"] > told["dissimilar"]


@pytest.mark.parametrize("group", GROUPS)
def test_fewer_users_have_the_first_tasks_of_more(vocabulary, catalogue, group):
    few, more = (choose(vocabulary, catalogue, group, users, 10, seed=0) for users in (3, 5))
    assert few == more[:3]


def test_nearest_and_farthest_on_a_half_circle():
    angles = np.arange(5) * np.pi / 4
    found = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert nearest(found, 0, 3).tolist() == [0, 1, 2]
    assert farthest(found, 0, 3).tolist() == [0, 4, 2]


def test_similarity_is_the_mean_cosine_of_pairs():
    assert similarity(np.array([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(1)
    assert similarity(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])) == pytest.approx(1 / 3)
    assert similarity(np.ones((1, 2))) == 1


@pytest.mark.parametrize(("users", "least"), [(7, 10), (2, 39), (0, 10)])
def test_too_many_users_are_refused(vocabulary, catalogue, users, least):
    with pytest.raises(LanguageError, match=f"{users} users asked for"):
        choose(vocabulary, catalogue, "similar", users, least, seed=0)


def test_a_group_that_there_is_not(vocabulary, catalogue):
    with pytest.raises(LanguageError, match="group 'alike' is not one of similar"):
        choose(vocabulary, catalogue, "alike", 2, 10, seed=0)


def test_the_lexica_are_there():
    """Sizes that the experiment needs, not the very words of a version."""
    found = categories()
    assert len(found) > 150
    assert sum(len(task.members) >= 80 for task in found.values()) > 60
    assert all(word.isalpha() for task in found.values() for word in task.members)
    thresholds = ratings()
    counts = [len(task.members) for task in thresholds.values()]
    assert counts == sorted(counts, reverse=True)
    assert "love" in thresholds["rated above 2"].members
    assert "murder" in thresholds["rated above -2"].others

import dataclasses
import math

import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import minimal_similarity, start_overlap

FAMILY = ct.TaskFamily(16, 20, 30, 2, similarity=0.3)
# Of a truth whose common core has two directions of some strength.
KEY = jax.random.key(2)


def weakest(similarity, num_samples, noise=0.0, start="pooled"):
    """Of the one truth that `draws=1` looks at."""
    (key,) = jax.random.split(KEY, 1)
    cores = np.asarray(dataclasses.replace(FAMILY, similarity=similarity).sample_truth(key).cores)
    overlap = start_overlap(cores, 20, 30, num_samples, noise, start=start)
    return min(*overlap.left, *overlap.right)


@pytest.mark.parametrize("level", [0.3, 0.6])
def test_at_the_similarity_found_the_weakest_direction_is_at_the_level(level):
    similarity = minimal_similarity(FAMILY, 60, 0.5, level=level, key=KEY, draws=1)
    assert 0 < similarity < 1
    np.testing.assert_allclose(weakest(similarity, 60, 0.5), level, atol=2e-3)


def test_it_is_the_first_point_of_a_fine_grid_above_the_threshold():
    similarity = minimal_similarity(FAMILY, 24, key=KEY, draws=1)
    grid = np.arange(0.0, 1.0, 0.01)
    first = next(s for s in grid if weakest(s, 24) > 0)
    assert first - 0.01 - 1e-4 <= similarity <= first + 1e-4


def test_more_samples_or_a_lower_level_need_no_more_similarity():
    by_samples = [minimal_similarity(FAMILY, n, draws=3) for n in (1, 12, 24, 48, 400)]
    assert by_samples == sorted(by_samples, reverse=True)
    assert by_samples[0] == math.inf
    assert by_samples[-1] < 0.3
    by_level = [minimal_similarity(FAMILY, 48, level=level, draws=3) for level in (0.0, 0.4, 0.999)]
    assert by_level == sorted(by_level)
    assert by_level[-1] == math.inf


def test_with_samples_without_end_independent_tasks_are_enough():
    assert minimal_similarity(FAMILY, 10**9, draws=3) == 0.0


def test_a_stacked_start_needs_no_similarity_where_a_pooled_one_does():
    assert minimal_similarity(FAMILY, 60, level=0.3, start="stacked", draws=3) == 0.0
    assert minimal_similarity(FAMILY, 60, level=0.3, start="pooled", draws=3) > 0.05


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"level 1\.0"):
        minimal_similarity(FAMILY, 20, level=1.0)
    with pytest.raises(ValueError, match="draws 0"):
        minimal_similarity(FAMILY, 20, draws=0)
    with pytest.raises(ValueError, match="num_samples 0"):
        minimal_similarity(FAMILY, 0, draws=1)
    with pytest.raises(ValueError, match="'random'"):
        minimal_similarity(FAMILY, 20, start="random", draws=1)
    with pytest.raises(ValueError, match="misalignment"):
        minimal_similarity(ct.TaskFamily(8, 10, 10, 2, misalignment=0.1), 20)
    with pytest.raises(ValueError, match="condition_number 3"):
        minimal_similarity(ct.TaskFamily(8, 10, 10, 2, condition_number=3.0), 20)

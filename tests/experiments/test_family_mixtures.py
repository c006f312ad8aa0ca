"""Users who mix adapters as truth and fits of the family."""

import jax
import numpy as np
import pytest

from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.registry import FITS, TRUTHS


def drawn(level):
    draw = FamilyDraw("mixing_users", 8, 6, 5, 22, 1e-3, 0, level)
    return draw, TRUTHS["mixing_users"].sample(jax.random.key(1), draw)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_part_of_the_users_mixes_and_their_shares_are_counted(level):
    draw, instance = drawn(level)
    mixing = round(8 * level)
    ranks = [np.linalg.matrix_rank(weights) for weights in instance.weights]
    assert sorted(ranks) == [2] * (8 - mixing) + [4] * mixing
    assert TRUTHS["mixing_users"].unknowns(draw) == 2 * 2 * (6 + 5 - 2) + mixing
    pure = instance.weights[np.array(ranks) == 2]
    assert len({tuple(each.ravel().round(9)) for each in pure}) == min(2, len(pure))


def test_a_mixture_meets_users_who_mix_to_less_than_the_noise_and_clusters_do_not():
    draw, instance = drawn(0.5)

    def error(method):
        found = FITS[method](instance, draw, jax.random.key(2))
        return np.linalg.norm(found.weights - instance.weights) / np.linalg.norm(instance.weights)

    assert error("mixing_simplex") < 1e-3
    assert error("mixing_clusters") > 0.1

import warnings

import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import necessary_samples, plan

FAMILY = ct.TaskFamily(8, 10, 10, 2, similarity=0.5)


def success(family, num_samples, noise, target, draws, seed):
    """The share of draws in which `fit` with its default policy reaches the target."""
    reached = 0
    for draw in range(draws):
        drawn = ct.sample_instance(jax.random.fold_in(jax.random.key(seed), draw), family, num_samples, noise)
        A, y = np.asarray(drawn.problem.sensing.matrices), np.asarray(drawn.problem.targets)
        with warnings.catch_warnings():
            # Too few samples are what is tried here.
            warnings.simplefilter("ignore", UserWarning)
            solution = ct.fit(A, y, family.rank)
        reached += float(ct.metrics.relative_error(solution.factors, drawn.truth)) <= target
    return reached / draws


def test_less_noise_or_a_lower_aim_needs_no_more():
    needs = [plan(FAMILY, target=0.1, noise=noise, draws=8).num_samples for noise in (0.0, 0.3, 1.0)]
    assert needs == sorted(needs)
    assert (
        plan(FAMILY, target=0.2, noise=0.5, draws=8).num_samples
        <= plan(FAMILY, target=0.1, noise=0.5, draws=8).num_samples
    )
    assert plan(FAMILY, target=0.1).limited_by == "start"
    assert plan(FAMILY, target=0.01, noise=1.0, draws=8).limited_by == "noise"


def test_a_surer_plan_needs_more_even_for_one_truth():
    """With a single truth only the fluctuation of the noise is left."""
    needs = [plan(FAMILY, target=0.05, noise=0.5, probability=each, draws=1).num_samples for each in (0.5, 0.99)]
    assert needs[1] > 1.1 * needs[0]


def test_no_plan_is_below_counting():
    found = plan(FAMILY, target=0.9, noise=1e-3, draws=8)
    assert found.needs["counting"] == necessary_samples(8, 10, 10, 2) <= found.num_samples
    np.testing.assert_allclose(found.oversampling, found.num_samples * 8 / ct.theory.degrees_of_freedom(8, 10, 10, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 0.0}, "target 0.0"),
        ({"target": 0.1, "probability": 1.0}, "probability 1.0"),
        ({"target": 0.1, "noise": -1.0}, "noise -1.0"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plan(FAMILY, **arguments)
    with pytest.raises(ValueError, match="misalignment"):
        plan(ct.TaskFamily(8, 10, 10, 2, misalignment=0.1), target=0.1)


@pytest.mark.long
def test_plans_hold_at_settings_they_were_not_made_on():
    """Twenty random settings, twenty draws each: nine of ten reach the target, but not with 70% of the samples."""
    rng = np.random.default_rng(0)
    enough, fewer = [], []
    for setting in range(20):
        rank = tuple(int(each) for each in rng.integers(1, 4, 2))
        sizes = (int(rng.integers(4, 24)), int(rng.integers(8, 24)), int(rng.integers(8, 24)))
        if max(rank) > sizes[0] * min(rank):
            continue
        family = ct.TaskFamily(*sizes, rank, similarity=float(rng.uniform(0, 0.9)))
        noise, target = (
            (0.0, 1e-6) if setting % 4 == 0 else (float(rng.uniform(0.1, 1.0)), float(rng.uniform(0.03, 0.3)))
        )
        found = plan(family, target=target, noise=noise)
        shares = [
            success(family, n, noise, target, 20, setting) for n in (found.num_samples, int(0.7 * found.num_samples))
        ]
        print(setting, family.num_users, sizes, rank, found.num_samples, found.limited_by, shares)
        enough.append(shares[0])
        fewer.append(shares[1])
    assert np.mean(enough) >= 0.9
    assert np.mean(fewer) < 0.9

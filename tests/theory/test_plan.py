import warnings

import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import TangentGram, necessary_samples, plan, reaching_share

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


def test_the_share_is_that_of_linearised_errors_over_designs_and_noise():
    """At the truths that the prediction averages over, and N / DoF = 8, where the measured excess is below 1%."""
    noise, num_samples, key, rng = 0.5, 64, jax.random.key(1), np.random.default_rng(0)
    errors = []
    for seed, each in enumerate(jax.random.split(key, 60)):
        truth = FAMILY.sample_truth(each)
        problem = ct.sample_instance(jax.random.key(100 + seed), FAMILY, num_samples).problem
        values = np.linalg.eigvalsh(TangentGram.at(problem, truth).dense())
        squares = noise**2 * rng.chisquare(1, (100, values.size)) @ (1 / values)
        errors.append(np.sqrt(squares / float(np.sum(np.square(truth.cores)))))
    for target in np.quantile(errors, [0.25, 0.5, 0.9]):
        predicted = reaching_share(FAMILY, num_samples, target=float(target), noise=noise, key=key, draws=60)
        # Five standard errors of a share of 60 designs, whose own spread is a tenth of that of a single run.
        assert abs(predicted - np.mean(np.array(errors) <= target)) < 0.04


def test_more_samples_or_a_higher_aim_reach_more_often():
    shares = [reaching_share(FAMILY, n, target=0.15, noise=0.5, draws=8) for n in (8, 20, 40, 80)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0 < shares[1] < shares[-1] <= 1.0
    assert reaching_share(FAMILY, 20, target=0.3, noise=0.5, draws=8) > shares[1]
    assert reaching_share(FAMILY, 8, target=0.15, noise=0.0, draws=1) == 1.0


def test_a_plan_limited_by_noise_is_the_first_number_that_suffices():
    found = plan(FAMILY, target=0.1, noise=0.5, draws=8)
    assert found.limited_by == "noise"
    share, before = (
        reaching_share(FAMILY, found.num_samples - less, target=0.1, noise=0.5, draws=8) for less in (0, 1)
    )
    assert before < 0.9 <= share == found.predicted_share


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
    with pytest.raises(ValueError, match="num_samples 0"):
        reaching_share(FAMILY, 0, target=0.1, noise=0.1)


@pytest.mark.long
def test_plans_hold_at_settings_they_were_not_made_on():
    """Twenty random settings, twenty draws each: nine of ten reach the target, but not with 70% of the samples."""
    rng = np.random.default_rng(0)
    reached, predicted = {1.0: [], 0.7: []}, {1.0: [], 0.7: []}
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
        for part in reached:
            n = int(part * found.num_samples)
            share = success(family, n, noise, target, 20, setting)
            told = reaching_share(family, n, target=target, noise=noise)
            print(setting, sizes, rank, found.limited_by, n, share, f"law of the noise {told:.2f}", flush=True)
            reached[part].append(share)
            if found.limited_by == "noise":
                predicted[part].append((share, told))
    assert np.mean(reached[1.0]) >= 0.9
    assert np.mean(reached[0.7]) < 0.6
    for pairs in predicted.values():
        shares, told = np.mean(pairs, axis=0)
        # Some 12 settings of 20 draws: five standard errors of the mean of so many.
        assert abs(shares - told) < 0.15

"""Merging without data: what is exact, what stays the same, and what depends on things that adapters do not tell."""

import itertools

import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import structures

SHAPE = (3, 6, 5)


def adapters(rank=2, seed=0, shape=SHAPE):
    structure = structures.Alone(rank)
    return np.asarray(structure.compose(structure.sample(jax.random.key(seed), shape)))


def merged_by(name, weights):
    if name == "products":
        return structures.average_of_products(weights, 2)
    if name == "factors":
        return structures.average_of_factors(*structures.balanced_factors(weights, 2))
    if name == "subspaces":
        return structures.joint_subspace(weights, 2).compose()
    if name == "weighted":
        return structures.weighted_joint_subspace(weights, 2).compose()
    return structures.project_conflicts(weights)


WAYS = ("products", "factors", "subspaces", "weighted", "conflicts")
PERSONAL = ("subspaces", "weighted")


@pytest.mark.parametrize("way", WAYS)
def test_equal_adapters_are_merged_into_themselves(way):
    weights = np.repeat(adapters()[:1], 3, axis=0)
    np.testing.assert_allclose(merged_by(way, weights), weights if way in PERSONAL else weights[0], atol=1e-10)


@pytest.mark.parametrize("way", ["products", "subspaces", "weighted", "conflicts"])
def test_merging_turns_and_scales_with_the_adapters(way):
    """Not by averaged factors: turned weights have other signs of their singular vectors."""
    weights = adapters()
    left, right = (np.linalg.qr(np.random.default_rng(size).standard_normal((size, size)))[0] for size in SHAPE[1:])
    turned = 3 * left @ weights @ right.T
    expected = 3 * left @ np.asarray(merged_by(way, weights)) @ right.T
    np.testing.assert_allclose(merged_by(way, turned), expected, atol=1e-9)


@pytest.mark.parametrize("way", ["products", "factors", "subspaces", "weighted"])
def test_the_order_of_the_users_does_not_matter(way):
    weights = adapters()
    there, back = [2, 0, 1], [1, 2, 0]
    again = np.asarray(merged_by(way, weights[there]))
    np.testing.assert_allclose(again[back] if way in PERSONAL else again, merged_by(way, weights), atol=1e-10)


def test_products_are_averaged_and_cut_back():
    weights = adapters()
    np.testing.assert_allclose(structures.average_of_products(weights), weights.mean(0), atol=1e-14)
    left, values, right = np.linalg.svd(weights.mean(0), full_matrices=False)
    nearest = (left[:, :2] * values[:2]) @ right[:2]
    np.testing.assert_allclose(structures.average_of_products(weights, 2), nearest, atol=1e-12)


def test_averaged_factors_shrink_where_bases_are_turned():
    """Over all signs of all columns the mean result is that of the products over the number of users, and no more."""
    weights = adapters(1)
    left, right = (np.asarray(each) for each in structures.balanced_factors(weights, 1))
    np.testing.assert_allclose(left @ np.swapaxes(right, 1, 2), weights, atol=1e-12)
    results = [
        structures.average_of_factors(left * signs, right * signs)
        for signs in (np.reshape(each, (3, 1, 1)) for each in itertools.product((1.0, -1.0), repeat=3))
    ]
    np.testing.assert_allclose(np.mean(results, axis=0), weights.mean(0) / 3, atol=1e-14)
    assert max(np.linalg.norm(each - results[0]) for each in results) > 0.5 * np.linalg.norm(weights.mean(0))


@pytest.mark.parametrize("merge", [structures.joint_subspace, structures.weighted_joint_subspace])
@pytest.mark.parametrize("rank", [(2, 2), (2, 3)])
def test_a_joint_subspace_of_exact_fits_is_exact(rank, merge):
    structure = structures.SharedBoth(rank)
    parameters = structure.sample(jax.random.key(1), (4, 7, 6))
    weights = structure.compose(parameters)
    found = merge(weights, rank)
    np.testing.assert_allclose(found.compose(), weights, atol=1e-12)
    for name in ("left", "right"):
        assert np.max(ct.metrics.principal_sines(getattr(found, name), parameters[name])) < 1e-12


def test_from_data_each_user_alone_and_then_jointly_is_exact_without_noise():
    family = ct.TaskFamily(num_users=4, num_rows=6, num_cols=5, rank=2, similarity=0.0)
    instance = ct.sample_instance(jax.random.key(0), family, num_samples=54)  # 18 unknowns of each
    local = ct.baselines.alone(instance.problem, 2, ct.solvers.VariableProjection()).factors.compose()
    np.testing.assert_allclose(structures.joint_subspace(local, 2).compose(), instance.truth.compose(), atol=1e-6)


def test_an_adapter_of_zeros_has_no_say_in_the_subspaces():
    weights = np.array(adapters(1))
    weights[1:] = weights[:1] * np.array([0.0, 2.0])[:, None, None]
    found = structures.joint_subspace(weights, 1)
    np.testing.assert_allclose(found.compose(), weights, atol=1e-12)


def test_conflicts_are_projected_out_of_two():
    first, second = adapters(seed=3)[:2]
    second = second - first * (np.sum(first * second) + 0.5 * np.linalg.norm(first) * np.linalg.norm(second)) / np.sum(
        first**2
    )
    assert np.sum(first * second) < 0
    inner = np.sum(first * second)
    expected = 0.5 * (first * (1 - inner / np.sum(first**2)) + second * (1 - inner / np.sum(second**2)))
    merged = np.asarray(structures.project_conflicts(np.stack([first, second])))
    np.testing.assert_allclose(merged, expected, atol=1e-12)
    assert min(np.sum(merged * first), np.sum(merged * second)) > 0
    np.testing.assert_allclose(
        structures.project_conflicts(np.stack([first, -second])), (first - second) / 2, atol=1e-12
    )


def test_no_user_is_cleared_of_itself():
    """Of three in a plane, one of whom conflicts with both others: what is left of it may point against itself."""
    angles = np.deg2rad([0.0, 170.0, 190.0])
    weights = np.stack([np.cos(angles), np.sin(angles)], 1)[:, :, None]

    def cleared(user):
        left = weights[user]
        for other in (place for place in range(3) if place != user):
            left = left - min(0.0, np.sum(left * weights[other])) * weights[other]
        return left

    np.testing.assert_allclose(
        structures.project_conflicts(weights), np.mean([cleared(user) for user in range(3)], axis=0), atol=1e-14
    )
    assert np.sum(cleared(0) * weights[0]) < 0


def test_impossible_ranks_are_refused():
    weights = adapters()
    for merge in (structures.average_of_products, structures.balanced_factors):
        with pytest.raises(ValueError, match=r"rank 6 is not in 1 .. min\(num_rows, num_cols\) = 5"):
            merge(weights, 6)
    with pytest.raises(ValueError, match="rank 6 exceeds"):
        structures.joint_subspace(weights, 6)
    with pytest.raises(ValueError, match="is more than 3 core"):
        structures.joint_subspace(weights, (1, 4))


@pytest.mark.long
@pytest.mark.parametrize("oversampling", [1.5, 2, 4, 8])
def test_one_shot_error_against_the_joint_fit(oversampling):
    """Ratios of squared errors to that of the joint fit; so many samples for each unknown of a user alone."""
    family = ct.TaskFamily(num_users=12, num_rows=8, num_cols=7, rank=2, similarity=0.5)
    samples = int(oversampling * 26)
    ratios = {"joint subspace": [], "weighted": [], "alone": []}
    for seed in range(40):
        clean = ct.sample_instance(jax.random.key(seed), family, num_samples=samples)
        truth = np.asarray(clean.truth.compose())
        size = float(np.sqrt(np.mean(np.sum(truth**2, axis=(1, 2)))))
        instance = ct.sample_instance(jax.random.key(seed), family, num_samples=samples, noise=0.1 * size)
        local = ct.baselines.alone(instance.problem, 2, ct.solvers.VariableProjection()).factors.compose()
        joint = np.sum((ct.fit(instance.problem, rank=2).weights - truth) ** 2)
        estimates = {
            "joint subspace": structures.joint_subspace(local, 2).compose(),
            "weighted": structures.weighted_joint_subspace(local, 2).compose(),
            "alone": local,
        }
        for name, found in estimates.items():
            ratios[name].append(np.sum((np.asarray(found) - truth) ** 2) / joint)
    for name, values in ratios.items():
        low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
        print(f"{oversampling} samples per unknown, {name} over joint fit: {middle:.2f} ({low:.2f} to {high:.2f})")
    # Unweighted, a user's weak direction has as much say as a strong one, however badly it is known.
    assert np.median(ratios["weighted"]) < 0.5 * np.median(ratios["joint subspace"])
    if oversampling >= 4:
        assert np.median(ratios["weighted"]) < 1.5
        assert np.median(ratios["joint subspace"]) > 3

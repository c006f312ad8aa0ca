"""One budget of ranks for several layers."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import structures
from colora_theory.sensing import Dense

SHAPE = (5, 12, 6)  # three layers of 4 x 6


def truth_of(ranks, shape=SHAPE, seed=0):
    structure = structures.Budgeted(ranks)
    parameters = structure.sample(jax.random.key(seed), shape)
    return structure, parameters, jnp.asarray(structure.compose(parameters))


def measured(weights, num_samples, noise, seed):
    key, noise_key = jax.random.split(jax.random.key(seed))
    matrices = jax.random.normal(key, (len(weights), num_samples, *weights.shape[1:]))
    targets = jnp.einsum("knab,kab->kn", matrices, weights) + noise * jax.random.normal(noise_key, matrices.shape[:2])
    return ct.Problem(Dense.from_matrices(matrices), targets, jnp.ones(targets.shape))


def test_layers_are_structures_of_their_own():
    ranks = (1, 3, 2)
    structure, parameters, weights = truth_of(ranks)
    assert weights.shape == SHAPE
    for place, rank in enumerate(ranks):
        layer = structures.SharedBoth((rank, rank))
        own = layer.compose({name: parameters[f"{name}_{place}"] for name in ("left", "cores", "right")})
        np.testing.assert_allclose(weights[:, 4 * place : 4 * place + 4], own)
    np.testing.assert_allclose(structure.compose(structure.begin(jax.random.key(0), weights)), weights, atol=1e-12)
    assert structure.degrees_of_freedom(SHAPE) == sum(rank * (4 + 6) + (5 - 2) * rank**2 for rank in ranks)
    assert structures.jacobian_rank(structure, parameters) == structure.degrees_of_freedom(SHAPE)


def captured(weights, ranks):
    """Energy of the leading cores, layer by layer."""
    total = 0.0
    for layer, rank in zip(np.split(np.asarray(weights), len(ranks), axis=1), ranks, strict=True):
        left = np.linalg.svd(np.concatenate(layer, axis=1))[0][:, :rank]
        right = np.linalg.svd(np.concatenate(np.swapaxes(layer, 1, 2), axis=1))[0][:, :rank]
        total += np.sum((left.T @ layer @ right) ** 2)
    return total


def test_the_allotment_captures_the_most_energy_of_all():
    weights = jax.random.normal(jax.random.key(0), SHAPE) * jnp.repeat(jnp.array([1.0, 3.0, 0.5]), 4)[None, :, None]
    for budget in range(3, 13):
        best = max(
            (ranks for ranks in itertools.product(range(1, 5), repeat=3) if sum(ranks) == budget),
            key=lambda ranks: captured(weights, ranks),
        )
        assert structures.allot(weights, 3, budget) == best


@pytest.mark.parametrize("ranks", [(1, 3, 2), (1, 1, 4), (2, 2, 2)])
def test_the_ranks_of_the_truth_are_allotted(ranks):
    _, _, weights = truth_of(ranks)
    assert structures.allot(np.asarray(weights), 3, sum(ranks)) == ranks
    assert structures.allot(1e-6 * weights, 3, sum(ranks)) == ranks
    moments = measured(weights, 400, 0.1, 0).moments()
    assert structures.allot(moments, 3, sum(ranks)) == ranks


def test_an_even_allotment_spends_the_budget():
    assert structures.allot_evenly(SHAPE, 3, 6) == (2, 2, 2)
    assert structures.allot_evenly(SHAPE, 3, 8) == (3, 3, 2)
    assert structures.allot_evenly(SHAPE, 3, 12) == (4, 4, 4)


@pytest.mark.parametrize("budget", [2, 13])
def test_a_budget_that_cannot_be_spent_is_refused(budget):
    message = f"budget {budget} cannot be spent: 3 layers of 4 x 6 take ranks of 3 .. 12 together"
    with pytest.raises(ValueError, match=message):
        structures.allot(np.ones(SHAPE), 3, budget)
    with pytest.raises(ValueError, match=message):
        structures.allot_evenly(SHAPE, 3, budget)


def test_impossible_layers_are_refused():
    with pytest.raises(ValueError, match="num_rows 12 is no multiple of 5 layers"):
        structures.allot(np.ones(SHAPE), 5, 6)
    with pytest.raises(ValueError, match="num_layers 0 is below 1"):
        structures.allot_evenly(SHAPE, 0, 6)
    with pytest.raises(ValueError, match="ranks are empty"):
        structures.Budgeted(())
    with pytest.raises(ValueError, match="layer 1: rank 5 exceeds"):
        structures.Budgeted((1, 5, 1)).check(SHAPE)
    with pytest.raises(ValueError, match=r"layer 0: rank \(0, 0\) is neither a positive integer"):
        structures.Budgeted((0, 1)).check(SHAPE)


@pytest.mark.long
def test_contributions_against_even_and_true_ranks():
    """Forty draws of layers of ranks 1, 1 and 4, four measurements per unknown, noise of a tenth of the signal."""
    ranks = (1, 1, 4)
    ratios = {"by moments": [], "by a larger fit": [], "evenly": []}
    right = dict.fromkeys(ratios, 0)
    for seed in range(40):
        structure, _, weights = truth_of(ranks, seed=seed)
        noise = 0.1 * float(jnp.sqrt(jnp.mean(jnp.sum(jnp.square(weights), (1, 2)))))
        samples = int(np.ceil(4 * structure.degrees_of_freedom(SHAPE) / SHAPE[0]))
        problem = measured(weights, samples, noise, seed)
        oracle = np.sum((structures.fit(problem, structure).weights - weights) ** 2)
        larger = structures.fit(problem, structures.Budgeted((4, 4, 4)), attempts=1)
        allotted = {
            "by moments": structures.allot(problem.moments(), 3, 6),
            "by a larger fit": structures.allot(larger.weights, 3, 6),
            "evenly": structures.allot_evenly(SHAPE, 3, 6),
        }
        for name, found in allotted.items():
            right[name] += found == ranks
            # The fit with the true ranks is that of the oracle.
            own = structures.Budgeted(found)
            error = (
                oracle if found == ranks else np.sum((structures.fit(problem, own, attempts=1).weights - weights) ** 2)
            )
            ratios[name].append(error / oracle)
    for name, values in ratios.items():
        low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
        said = f"{middle:.3g} ({low:.3g} to {high:.3g}) times the oracle, ranks right in {right[name]} of 40"
        print(f"{name}: {said}")
    assert np.median(ratios["by a larger fit"]) < 1.05
    assert np.median(ratios["evenly"]) > 10

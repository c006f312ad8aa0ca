"""Mixtures on the simplex and clusters: exact blocks, a loss that never rises, and the bound that they reach."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import structures
from colora_theory.sensing import Dense
from colora_theory.solution import Status
from colora_theory.structures.alternating import Blocks, all_supports, best_shares, sweep
from colora_theory.structures.base import AbstractStructure

SHAPE = (8, 7, 6)
SIMPLEX, CLUSTERS = structures.SimplexMixture(3, 2), structures.Clusters(3, 2)
BOTH = {"simplex": SIMPLEX, "clusters": CLUSTERS}
SUPPORTS = {"simplex": all_supports(3), "clusters": np.eye(3, dtype=bool)}


def drawn(structure, seed, noise=0.0, num_samples=28):
    """A problem, the parameters and weights of its truth, and sigma; 28 samples are more than four for an unknown."""
    parameters = structure.sample(jax.random.key(seed), SHAPE)
    weights = np.asarray(structure.compose(parameters))
    key, noise_key = jax.random.split(jax.random.key(1000 + seed))
    matrices = jax.random.normal(key, (SHAPE[0], num_samples, *SHAPE[1:]))
    clean = jnp.einsum("knab,kab->kn", matrices, weights)
    sigma = noise * float(jnp.sqrt(jnp.mean(jnp.square(clean))))
    targets = clean + sigma * jax.random.normal(noise_key, clean.shape)
    return ct.Problem(Dense.from_matrices(matrices), targets, jnp.ones(targets.shape)), parameters, weights, sigma


def same_groups(first, second):
    return np.array_equal(first[:, None] == first, second[:, None] == second)


@pytest.mark.parametrize("name", BOTH)
def test_the_rank_of_the_derivative_is_what_counting_says(name):
    structure = BOTH[name]
    parameters = structure.sample(jax.random.key(0), SHAPE)
    assert structures.jacobian_rank(structure, parameters) == structure.degrees_of_freedom(SHAPE)
    assert structure.degrees_of_freedom(SHAPE) == 3 * 2 * (7 + 6 - 2) + (8 * 2 if name == "simplex" else 0)


def test_drawn_shares_are_on_the_simplex_and_clusters_are_of_equal_size():
    shares = SIMPLEX.shares(SIMPLEX.sample(jax.random.key(0), SHAPE))
    assert np.min(shares) >= 0
    np.testing.assert_allclose(np.sum(shares, axis=1), 1, rtol=1e-12)
    labels = CLUSTERS.labels(CLUSTERS.sample(jax.random.key(0), SHAPE))
    assert sorted(np.bincount(labels)) == [2, 3, 3]


def test_shares_meet_the_conditions_of_the_minimum():
    """At the minimum over the simplex no component's gradient is below the mean by the shares."""
    rng = np.random.default_rng(0)
    designs = rng.standard_normal((8, 5, 3))
    gram, cross = np.swapaxes(designs, 1, 2) @ designs, 3 * rng.standard_normal((8, 3))
    # From shares that are not on the simplex.
    begun = rng.standard_normal((8, 3))
    descent = jnp.asarray(cross - np.einsum("kmc,kc->km", gram, begun))
    shares = np.asarray(best_shares(jnp.asarray(begun), jnp.asarray(gram), descent, all_supports(3)))
    gradient = np.einsum("kmc,kc->km", gram, shares) - cross
    assert np.min(shares) >= 0
    np.testing.assert_allclose(np.sum(shares, axis=1), 1, rtol=1e-12)
    assert np.min(gradient - np.sum(gradient * shares, axis=1)[:, None]) > -1e-9
    assert 0 < np.count_nonzero(shares == 0) < shares.size
    single = np.asarray(best_shares(jnp.asarray(begun), jnp.asarray(gram), descent, np.eye(3, dtype=bool)))
    values = 0.5 * np.einsum("kmm->km", gram) - cross
    np.testing.assert_array_equal(np.argmax(single, axis=1), np.argmin(values, axis=1))


@pytest.mark.parametrize("name", BOTH)
def test_no_sweep_raises_the_loss(name):
    problem, *_ = drawn(BOTH[name], 0, 0.3)
    rng = np.random.default_rng(1)
    blocks = Blocks(*(jnp.asarray(rng.standard_normal(shape)) for shape in ((8, 3), (3, 7, 2), (3, 6, 2))))
    update = jax.jit(lambda each: sweep(problem, each, SUPPORTS[name]))
    losses = []
    for _ in range(15):
        blocks, loss, _ = update(blocks)
        losses.append(float(loss))
        parts = jnp.einsum("km,mar,mbr->kab", blocks.shares, blocks.left, blocks.right)
        residual = problem.targets - problem.sensing(parts)
        assert losses[-1] == pytest.approx(0.5 * float(jnp.sum(residual**2)), rel=1e-10)
    assert np.all(np.diff(losses) <= 1e-12 * losses[0])
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("name", BOTH)
def test_without_noise_the_truth_is_found(name):
    structure = BOTH[name]
    problem, parameters, weights, _ = drawn(structure, 2)
    found = structures.fit(problem, structure)
    assert Status(int(found.status)) is Status.CONVERGED
    np.testing.assert_allclose(found.weights, weights, atol=1e-8)
    if name == "clusters":
        assert same_groups(structure.labels(parameters), structure.labels(found.parameters))


def test_with_noise_the_minimum_inside_the_simplex_is_that_of_the_general_method():
    problem, *_ = drawn(SIMPLEX, 1, 0.1)
    found = structures.fit(problem, SIMPLEX)
    assert Status(int(found.status)) is Status.CONVERGED
    loss = np.nanmin(found.losses)
    shares = np.asarray(SIMPLEX.shares(found.parameters))
    assert np.min(shares) >= 0
    general = AbstractStructure.minimize(
        SIMPLEX, problem, found.parameters, exact=jnp.zeros(()), gradient_tol=jnp.asarray(1e-9), max_steps=50
    )
    # Without bounds the loss is lower, unless no share is at its bound.
    assert float(general.loss) <= loss * (1 + 1e-12)
    if np.min(shares) > 0:
        assert float(general.loss) == pytest.approx(loss, rel=1e-9)


def test_a_component_that_nobody_uses_is_named():
    problem, parameters, *_ = drawn(CLUSTERS, 3)
    far = {"members": parameters["members"], "left": parameters["left"].at[1].set(50.0), "right": parameters["right"]}
    with pytest.warns(structures.StructureWarning, match="component 1 is used by no user.* num_components 2"):
        structures.fit(problem, CLUSTERS, begin=far, max_steps=3)


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (structures.SimplexMixture(9, 1), "num_components 9 is not in 1 .. num_users = 8"),
        (structures.SimplexMixture(2, 4), "2 rank = 8 exceeds"),
        (structures.Clusters(9, 1), "num_components 9 is not in 1 .. num_users = 8"),
        (structures.Clusters(2, 7), "rank 7 is not in 1"),
    ],
)
def test_what_the_data_cannot_have_is_refused(structure, message):
    with pytest.raises(ValueError, match=message):
        structure.check(SHAPE)


def test_too_many_faces_are_refused():
    with pytest.raises(ValueError, match="num_components 9 exceeds 8"):
        structures.SimplexMixture(9, 1).check((20, 7, 6))


@pytest.mark.long
@pytest.mark.parametrize("name", BOTH)
def test_the_squared_error_is_the_bound(name):
    """Of 40 draws, noise of a tenth of the signal, four measurements for each unknown; 1.3 was asked for."""
    structure = BOTH[name]
    num_samples = int(np.ceil(4 * structure.degrees_of_freedom(SHAPE) / SHAPE[0]))
    ratios, inside, grouped = [], [], []
    for seed in range(40):
        problem, parameters, weights, sigma = drawn(structure, seed, 0.1, num_samples)
        found = structures.fit(problem, structure, seed=seed)
        bound = structures.cramer_rao(problem, structure, parameters, sigma).total
        ratios.append(np.sum(np.square(found.weights - weights)) / bound)
        if name == "simplex":
            inside.append(np.min(SIMPLEX.shares(found.parameters)) > 0)
        else:
            grouped.append(same_groups(structure.labels(parameters), structure.labels(found.parameters)))
    told = {"all": ratios}
    if inside:
        told |= {"inside": np.array(ratios)[inside], "at a face": np.array(ratios)[~np.array(inside)]}
    for which, each in told.items():
        half = 1.96 * np.std(each, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
        print(f"{name}, {which} ({len(each)}): squared error over the bound {np.mean(each):.2f} +- {half:.2f}")
    assert np.mean(ratios) < 1.3
    assert all(grouped)

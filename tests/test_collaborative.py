"""CoLA: what its pairings are, what training does to them, and what of it only looks like more rank."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import structures
from colora_theory.sensing import Dense
from colora_theory.solution import Status

USERS, ROWS, COLS = 2, 6, 5
LORA = structures.Collaborative(USERS, 1, 1, 2)


def problem_of(weights, num_samples=60, noise=0.0, offset=None):
    """Measurements of one adapter for all users, so many of each."""
    key, noise_key = jax.random.split(jax.random.key(7))
    matrices = jax.random.normal(key, (USERS, num_samples, *weights.shape))
    targets = jnp.einsum("knab,ab->kn", matrices, weights) + noise * jax.random.normal(noise_key, matrices.shape[:2])
    return ct.Problem(Dense.from_matrices(matrices), targets, jnp.ones(targets.shape), offset)


def adapter(rank, seed=0):
    left, right = (
        jax.random.normal(key, (size, rank))
        for key, size in zip(jax.random.split(jax.random.key(seed)), (ROWS, COLS), strict=True)
    )
    return left @ right.T / jnp.sqrt(1.0 * ROWS)


def generic(structure, seed=1, size=0.3):
    drawn = structure.sample(jax.random.key(seed), (USERS, ROWS, COLS))
    return {name: size * each for name, each in drawn.items()}


def equal_start(structure, seed=2, size=0.5):
    left_key, right_key = jax.random.split(jax.random.key(seed))
    left, right = jax.random.normal(left_key, (ROWS, 2)), jax.random.normal(right_key, (COLS, 2))
    return structure.share_out(size * left, size * right)


def steps(left, right=None):
    return structures.GradientSteps({"left": left, "right": left if right is None else right})


def spread(matrices):
    return float(jnp.max(jnp.abs(matrices - jnp.mean(matrices, axis=0, keepdims=True))))


def test_every_strategy_pairs_as_it_says():
    full, heuristic, random = (structures.Collaborative(USERS, 5, 3, 2, name) for name in structures.STRATEGIES)
    parameters = generic(full)
    lefts, rights = (np.asarray(parameters[name]) for name in ("left", "right"))
    whole = lefts.sum(0) @ rights.sum(0).T
    for structure in (full, random):
        np.testing.assert_allclose(structure.compose(parameters), [whole] * USERS, atol=1e-12)
    # Five B_j for three A_i: one each, and the two that are left from the first on.
    assert heuristic.groups.tolist() == [0, 1, 2, 0, 1]
    assert structures.Collaborative(USERS, 7, 3, 2, "heuristic").groups.tolist() == [0, 0, 1, 1, 2, 2, 0]
    dealt = sum(lefts[j] @ rights[i].T for j, i in enumerate(heuristic.groups))
    np.testing.assert_allclose(heuristic.compose(parameters), [dealt] * USERS, atol=1e-12)
    drawn = [random.draw_pairing(key) for key in jax.random.split(jax.random.key(0), 4)]
    for pairing in drawn:
        assert (np.sort(pairing, axis=0) == np.array([[0.0], [0], [0], [0], [5]])).all()
    assert any(bool(jnp.any(drawn[0] != pairing)) for pairing in drawn)


@pytest.mark.parametrize("name", ["full", "heuristic"])
def test_the_start_of_a_frozen_weight_is_that_weight(name):
    offset = adapter(4, seed=3)
    structure = structures.Collaborative(USERS, 5, 3, 2, name)
    problem = problem_of(adapter(2), offset=offset)
    begun, rest = structures.principal_start(problem, structure)
    np.testing.assert_allclose(structure.compose(begun) + rest.offset[None], [offset] * USERS, atol=1e-12)
    left, values, right = np.linalg.svd(np.asarray(offset), full_matrices=False)
    np.testing.assert_allclose(5 * np.asarray(begun["left"]) / np.sqrt(values[:2]), [left[:, :2]] * 5, atol=1e-12)
    np.testing.assert_allclose(3 * np.asarray(begun["right"]) / np.sqrt(values[:2]), [right[:2].T] * 3, atol=1e-12)
    principal = (left[:, :2] * values[:2]) @ right[:2]
    np.testing.assert_allclose(offset - rest.offset, principal if name == "full" else principal / 3, atol=1e-12)
    # The data are the same: what is measured of the adapters has taken over what left the frozen weight.
    before = structures.training_loss(problem, jnp.zeros((USERS, ROWS, COLS)))
    np.testing.assert_allclose(structures.training_loss(rest, structure.compose(begun)), before)


@pytest.mark.parametrize("equal", [True, False])
def test_the_full_strategy_is_a_lora_with_longer_steps(equal):
    """The sums follow the LoRA whose B takes N steps in one and whose A takes M, from any start."""
    structure = structures.Collaborative(USERS, 4, 3, 2)
    problem = problem_of(adapter(2))
    begun = equal_start(structure) if equal else generic(structure)
    sums = {name: jnp.sum(each, axis=0, keepdims=True) for name, each in begun.items()}
    cola = structures.train_collaborative(problem, structure, steps(0.01), begun, num_steps=200)
    lora = structures.train_collaborative(problem, LORA, steps(4 * 0.01, 3 * 0.01), sums, num_steps=200)
    np.testing.assert_allclose(cola.losses, lora.losses, rtol=1e-9)
    assert cola.losses[-1] < 1e-3 * cola.losses[0]
    for name in sums:
        np.testing.assert_allclose(jnp.sum(cola.parameters[name], 0, keepdims=True), lora.parameters[name], atol=1e-9)
    # What sets the B_j apart never changes.
    change = cola.parameters["left"] - begun["left"]
    np.testing.assert_allclose(change, np.broadcast_to(change[:1], change.shape), atol=1e-12)


def test_a_step_that_a_lora_can_take_may_be_too_long_for_the_full_strategy():
    structure = structures.Collaborative(USERS, 4, 4, 2)
    problem = problem_of(adapter(2))
    begun = equal_start(structure)
    sums = {name: jnp.sum(each, axis=0, keepdims=True) for name, each in begun.items()}
    lora = structures.train_collaborative(problem, LORA, steps(0.2), sums, num_steps=200)
    cola = structures.train_collaborative(problem, structure, steps(0.2), begun, num_steps=200)
    assert lora.losses[-1] < 1e-3 * lora.losses[0]
    assert Status(int(lora.status)) is Status.MAX_STEPS
    assert Status(int(cola.status)) is Status.NONFINITE


@pytest.mark.parametrize(("num_left", "classes"), [(6, 1), (5, 2)])
def test_equal_starts_keep_the_matrices_of_equal_groups_equal(num_left, classes):
    """Three groups, but no more than rank r for each size of a group; a tiny disturbance frees the others."""
    structure = structures.Collaborative(USERS, num_left, 3, 1, "heuristic")
    problem = problem_of(adapter(3))
    begun = structure.share_out(adapter(1, 5)[:, :1], adapter(1, 6).T[:, :1])
    found = structures.train_collaborative(problem, structure, steps(0.05), begun, num_steps=60)
    values = np.linalg.svd(found.weights[0], compute_uv=False)
    assert np.sum(values > 1e-9 * values[0]) == classes
    shaken = {
        name: each + 1e-3 * jax.random.normal(jax.random.key(place), each.shape)
        for place, (name, each) in enumerate(begun.items())
    }
    free = structures.train_collaborative(problem, structure, steps(0.05), shaken, num_steps=3000)
    reachable = 0.5 * np.sum(np.linalg.svd(adapter(3), compute_uv=False)[classes:] ** 2)
    assert free.losses[-1] < 1e-3 * reachable < found.losses[-1]


def test_random_pairs_cost_the_loss_of_the_mean_and_a_penalty():
    """Brute force over all N^M pairings."""
    structure = structures.Collaborative(USERS, 3, 2, 2, "random")
    problem, parameters = problem_of(adapter(2), noise=0.3), generic(structure)
    losses = [
        structures.training_loss(
            problem, structure.compose_pairs(parameters, jnp.zeros((3, 2)).at[jnp.array(drawn), jnp.arange(2)].set(3.0))
        )
        for drawn in itertools.product(range(3), repeat=2)
    ]
    penalty = structures.pairing_penalty(problem, structure, parameters)
    mean = structures.training_loss(problem, structure.compose(parameters))
    np.testing.assert_allclose(np.mean(losses), mean + penalty, rtol=1e-12)
    assert penalty > 0.01 * mean
    assert structures.pairing_penalty(problem, structure, equal_start(structure)) < 1e-25


def test_random_pairs_draw_the_matrices_together_and_full_ones_do_not():
    """Exact data: only points whose B_j are equal are fixed under every pairing."""
    problem = problem_of(adapter(2))
    ends = {}
    for name in ("full", "random"):
        structure = structures.Collaborative(USERS, 3, 2, 2, name)
        begun = generic(structure)
        ends[name] = structures.train_collaborative(problem, structure, steps(0.03), begun, num_steps=4000)
        assert ends[name].losses[-1] < 1e-12
    assert spread(ends["random"].parameters["left"]) < 1e-6
    np.testing.assert_allclose(spread(ends["full"].parameters["left"]), spread(begun["left"]), rtol=1e-9)


def test_with_noise_equal_right_factors_are_what_random_pairs_leave_alone():
    """A least-squares fit with equal B_j is a fixed point of every pairing if the A_i are equal, too; else of none."""
    structure = structures.Collaborative(USERS, 3, 2, 2, "random")
    problem = problem_of(adapter(2), noise=0.5)
    best = structures.fit(problem, structures.Pooled(USERS, 2)).parameters
    equal = structure.share_out(jnp.asarray(best["left"]), jnp.asarray(best["right"]))
    apart = jnp.asarray([[[1.0]], [[-1.0]]]) * jax.random.normal(jax.random.key(0), (1, COLS, 2))
    for begun, moves in ((equal, False), (equal | {"right": equal["right"] + apart}, True)):
        np.testing.assert_allclose(structure.compose(begun), structure.compose(equal), atol=1e-12)
        after = structures.train_collaborative(problem, structure, steps(0.01), begun, num_steps=1)
        moved = max(float(jnp.max(jnp.abs(after.parameters[name] - begun[name]))) for name in begun)
        assert moved > 1e-3 if moves else moved < 1e-9


def test_impossible_sizes_and_starts_are_refused():
    with pytest.raises(ValueError, match="num_right 3 exceeds num_left 2"):
        structures.Collaborative(USERS, 2, 3, 2, "heuristic")
    with pytest.raises(ValueError, match="num_left 0 is below 1"):
        structures.Collaborative(USERS, 0, 3, 2)
    with pytest.raises(ValueError, match="strategy 'best' is not one of full, heuristic, random"):
        structures.Collaborative(USERS, 3, 3, 2, "best")
    structure, problem = structures.Collaborative(USERS, 3, 2, 2), problem_of(adapter(2))
    with pytest.raises(ValueError, match="rank 6 is not in"):
        structures.Collaborative(USERS, 3, 2, 6).check((USERS, ROWS, COLS))
    with pytest.raises(ValueError, match="num_users is 2, the data have 3 users"):
        structure.check((3, ROWS, COLS))
    with pytest.raises(ValueError, match="the problem has no offset"):
        structures.principal_start(problem, structure)
    with pytest.raises(ValueError, match="begin has arrays of shapes"):
        structures.train_collaborative(problem, structure, steps(0.1), generic(LORA), num_steps=1)
    with pytest.raises(ValueError, match="num_steps 0 is below 1"):
        structures.train_collaborative(problem, structure, steps(0.1), generic(structure), num_steps=0)
    assert structure.trained_numbers((USERS, ROWS, COLS)) == 2 * (3 * ROWS + 2 * COLS)

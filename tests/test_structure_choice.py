"""Which structure the data support."""

import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory import structures
from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.truths import STRUCTURES, TRUTHS
from colora_theory.selection import default_structures

SHAPE = (3, 4, 5)
CANDIDATES = {
    "alone": structures.Alone(1),
    "shared_both": structures.SharedBoth((1, 1)),
    "pooled": structures.Pooled(SHAPE[0], 1),
}


def drawn(name, num_samples=20, noise=0.1, seed=0):
    """Matrices, measurements and weights of a generic point of one of the candidates."""
    weights = np.asarray(CANDIDATES[name].compose(CANDIDATES[name].sample(jax.random.key(seed), SHAPE)))
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((SHAPE[0], num_samples, *SHAPE[1:]))
    y = np.einsum("knab,kab->kn", A, weights)
    return A, y + noise * y.std() * rng.standard_normal(y.shape), weights


@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_structure_of_the_truth_is_chosen(name, noise):
    choice = ct.choose_structure(*drawn(name, noise=noise)[:2], CANDIDATES)
    assert choice.chosen == name
    assert choice.sure
    assert choice.structure is CANDIDATES[name]
    assert choice[name].behind <= choice[name].behind_error
    assert [each.name for each in choice.candidates] == ["pooled", "shared_both", "alone"]
    assert min(each.error for each in choice.candidates) == choice[choice.best].error
    assert choice.summary().startswith(name)


def test_the_held_out_error_is_that_of_fits_without_the_fold():
    """One matrix of full rank for all is linear least squares."""
    A, y, _ = drawn("shared_both")
    choice = ct.choose_structure(A, y, {"any": structures.Pooled(SHAPE[0], 4)}, folds=2, seed=1)
    assigned = ct.selection.assign_folds(np.ones(y.shape, bool), 2, 1)
    total = 0.0
    for fold in range(2):
        out = assigned == fold
        flat, *_ = np.linalg.lstsq(A[~out].reshape(-1, 20), y[~out])
        total += np.sum((y[out] - A[out].reshape(-1, 20) @ flat) ** 2)
    np.testing.assert_allclose(choice["any"].error, total / y.size, rtol=1e-5)


def test_a_frozen_weight_is_no_part_of_the_structure():
    A, y, _ = drawn("pooled")
    offset = np.random.default_rng(5).standard_normal(SHAPE[1:])
    moved = ct.Problem.dense(A, y + np.einsum("knab,ab->kn", A, offset), offset=offset)
    pooled = {"pooled": CANDIDATES["pooled"]}
    errors = [ct.choose_structure(data, None, pooled)["pooled"].error for data in (moved, ct.Problem.dense(A, y))]
    np.testing.assert_allclose(*errors, rtol=1e-6)


def test_candidates_without_enough_data_are_named():
    A, y, _ = drawn("pooled", num_samples=8)
    choice = ct.choose_structure(A, y, CANDIDATES, folds=4)
    assert choice["alone"].reason == "24 unknowns, 18 measurements outside of a fold"
    assert np.isnan(choice["alone"].error)
    assert choice.candidates[-1].name == "alone"
    assert choice.summary().endswith("; too few samples for alone")
    with pytest.raises(ValueError, match="18 measurements outside of a fold do not determine the 24 unknowns"):
        ct.choose_structure(A, y, {"alone": CANDIDATES["alone"]}, folds=4)


def test_nothing_to_choose_from_is_refused():
    A, y, _ = drawn("pooled", num_samples=8)
    with pytest.raises(ValueError, match="0 candidates"):
        ct.choose_structure(A, y, {})
    with pytest.raises(ValueError, match="folds 9 exceeds the 8 samples of user 0"):
        ct.choose_structure(A, y, CANDIDATES, folds=9)
    with pytest.raises(ValueError, match=r"rank 3 is not in 1 \.\. min"):
        default_structures((1, 2, 2), 3)


def test_all_structures_that_fit_a_shape_are_offered():
    assert "smooth" not in default_structures((6, 8, 7), 2)
    offered = default_structures((6, 8, 7), 2, times=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5))
    assert len({type(each) for each in offered.values()}) == len(offered) == 11
    several = default_structures((6, 8, 7), [1, 2])
    assert several["shared_both, rank 2"] == structures.SharedBoth((2, 2))
    assert [name for name in several if "rank" not in name] == ["depthwise_pointwise"]
    # One diagonal core is a scalar one, and one of rank one is shared.
    kinds = {name: each.degrees_of_freedom((6, 8, 7)) for name, each in default_structures((6, 8, 7), 1).items()}
    assert "diagonal_cores" not in kinds
    assert "scalar_cores" not in kinds


def test_a_fit_may_begin_where_another_ended():
    A, y, _ = drawn("alone")
    problem, structure = ct.Problem.dense(A, y), CANDIDATES["alone"]
    found = structures.fit(problem, structure)
    again = structures.fit(problem, structure, begin=found.parameters)
    assert again.num_steps <= 3
    np.testing.assert_allclose(again.weights, found.weights, atol=1e-6)


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan])
def test_a_tolerance_that_is_not_positive_is_refused(tolerance):
    A, y, _ = drawn("pooled")
    with pytest.raises(ValueError, match="gradient_tol"):
        structures.fit(ct.Problem.dense(A, y), CANDIDATES["pooled"], gradient_tol=tolerance)


@pytest.mark.long
@pytest.mark.parametrize("name", STRUCTURES)
def test_the_structure_of_the_truth_in_at_least_45_of_50_draws(name):
    """N / DoF of at least 4, noise a tenth of the signal."""
    hits = 0
    for seed in range(50):
        draw = FamilyDraw(name, 6, 8, 7, 74, 0.1, seed)
        problem = TRUTHS[name].sample(jax.random.key(seed), draw).problem
        candidates = {other: structure_of(draw) for other, structure_of in STRUCTURES.items()}
        hits += ct.choose_structure(problem, None, candidates, seed=seed).chosen == name
    print(f"{name}: {hits} of 50")
    assert hits >= 45


def test_the_smaller_one_is_taken_within_a_standard_error_of_the_better_one():
    """Differences of two linear fits, by hand: their cells are the users in the folds."""
    pair = {"pooled": CANDIDATES["pooled"], "shared_both": CANDIDATES["shared_both"]}
    within = 0
    for seed in range(12):
        A, y, _ = drawn("pooled", noise=0.5, seed=seed)
        choice = ct.choose_structure(A, y, pair, seed=seed)
        within += choice.best == "shared_both"
        assert (choice.chosen == "pooled") == (choice["pooled"].behind <= choice["pooled"].behind_error)
    assert within > 0
    linear = {"all": structures.Pooled(SHAPE[0], 4), "each": structures.Alone(4)}
    A, y, _ = drawn("pooled", num_samples=60)
    choice = ct.choose_structure(A, y, linear, folds=2, seed=1)
    assigned = ct.selection.assign_folds(np.ones(y.shape, bool), 2, 1)
    losses = np.zeros((2, *y.shape))
    for fold in range(2):
        out = assigned == fold
        flat, *_ = np.linalg.lstsq(A[~out].reshape(-1, 20), y[~out])
        losses[0][out] = (y[out] - A[out].reshape(-1, 20) @ flat) ** 2
        for user, own in enumerate(out):
            flat, *_ = np.linalg.lstsq(A[user, ~own].reshape(-1, 20), y[user, ~own])
            losses[1, user, own] = (y[user, own] - A[user, own].reshape(-1, 20) @ flat) ** 2
    behind = losses[1] - losses[0]
    cells = np.stack([np.sum(np.where(assigned == fold, behind, 0.0), axis=1) for fold in range(2)])
    error = np.sqrt(np.sum((cells - cells.mean()) ** 2) * 6 / 5 * (1 + 2 / 1)) / y.size
    np.testing.assert_allclose(choice["each"].behind, behind.mean(), rtol=1e-4)
    np.testing.assert_allclose(choice["each"].behind_error, error, rtol=1e-4)

"""Truths and fits of the sweeps about CoLA and about budgets of ranks."""

import jax
import numpy as np
import pytest

from colora_theory.experiments.family import collaborative
from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.fits import UNDETERMINED
from colora_theory.experiments.family.registry import FITS, TRUTHS

KEY = jax.random.key(0)


def instance_of(truth, num_samples, level=None, shape=(5, 12, 6)):
    draw = FamilyDraw(truth, *shape, num_samples, 0.0, 0, level)
    return draw, TRUTHS[truth].sample(KEY, draw)


def error(found, instance):
    return np.linalg.norm(found.weights - instance.weights) / np.linalg.norm(instance.weights)


def test_similar_users_have_cores_in_common():
    _, equal = instance_of("similar_users", 2, 1.0)
    np.testing.assert_allclose(equal.weights, np.repeat(equal.weights[:1], 5, axis=0))
    _, other = instance_of("similar_users", 2, 0.0)
    assert np.linalg.norm(other.weights[0] - other.weights[1]) > 0.1 * np.linalg.norm(other.weights[0])


def test_the_full_strategy_is_a_lora_of_longer_steps(monkeypatch):
    monkeypatch.setattr(collaborative, "STEPS", 400)
    draw, instance = instance_of("similar_users", 60, 1.0)
    # Three times the step of the one is the step of the other.
    full = FITS["cola_full"](instance, draw, KEY)
    monkeypatch.setattr(collaborative, "STEP", 3 * collaborative.STEP)
    lora = FITS["lora"](instance, draw, KEY)
    np.testing.assert_allclose(full.weights, lora.weights, atol=1e-9)
    assert full.unknowns == lora.unknowns == 2 * (12 + 6 - 2)
    assert error(full, instance) < 0.5


def test_ranks_are_allotted_and_told():
    draw, instance = instance_of("budgeted", 80)
    found = FITS["budgeted_by_moments"](instance, draw, KEY)
    assert found.measured == {"chosen": "1 1 4"}
    assert error(found, instance) < 1e-6


@pytest.mark.parametrize(("truth", "method"), [("budgeted", "budgeted_by_fit"), ("similar_users", "colora")])
def test_too_few_data_are_told(truth, method):
    draw, instance = instance_of(truth, 3, 0.5 if truth == "similar_users" else None)
    assert FITS[method](instance, draw, KEY).status_name == UNDETERMINED

import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.experiments import table
from colora_theory.experiments.config import Grid, SweepConfig
from colora_theory.experiments.draw import Draw
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.predictions import PREDICTIONS, columns, predict
from colora_theory.experiments.seeding import keys
from colora_theory.experiments.trial import run_chunk
from tests.experiments.conftest import SHAPE

# Of all predictions together; the order of the columns of the schema.
COLUMNS = table.SCHEMA.names[table.SCHEMA.names.index("rounds") + 1 :]
AXES = SHAPE | {"num_samples": 28, "method": "start", "num_seeds": 1}
RATE = {"long_run_contraction", "contraction_factor", "contraction_law"}


def drawn(num_samples=28, misalignment=None, noise=0.1):
    """A draw and its instance without padding."""
    draw = Draw(4, 7, 6, (2, 2), 0.5, misalignment, None, num_samples, noise, 0)
    family = ct.TaskFamily(4, 7, 6, 2, 0.5, misalignment)
    (key,) = keys([draw], "data")
    return draw, ct.sample_instance(key, family, num_samples, noise)


@pytest.fixture(scope="module")
def everything():
    """All predictions of one draw; the ascents, which compile for long, say only what they were given."""

    def given(problem, rank, *, key):
        num_users, num_samples = problem.targets.shape
        return num_users + num_samples / 1e3

    draw, instance = drawn()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("colora_theory.experiments.predictions.spread_isometry_bound", given)
        return predict(list(PREDICTIONS), instance, draw)


@pytest.fixture(scope="module")
def rows():
    """Two draws, padded, from two starts."""
    axes = AXES | {"predict": ["rate", "overlap"], "start": ["stacked", "random"], "num_seeds": 2, "similarity": 0.5}
    (chunk,) = make_plan(SweepConfig(name="tiny", grid=[Grid(**axes)]), "smoke").chunks
    return run_chunk(chunk).to_pylist()


def test_predictions_fill_the_columns_of_the_schema_and_no_others(everything):
    assert list(everything) == COLUMNS
    assert all(np.isfinite(value) for value in columns(everything, "stacked").values())


def test_values_are_those_of_the_theory(everything):
    draw, instance = drawn()
    problem, truth = instance.problem, instance.truth
    cores, sizes = np.asarray(truth.orthonormalize().cores), (7, 6, 28)
    expected = {
        "contraction_factor": ct.theory.contraction_factor(problem, truth),
        "contraction_law": ct.theory.contraction_law(cores, *sizes),
        "isometry_constant": ct.theory.isometry_constant(problem, truth),
        "core_isometry": ct.theory.core_isometry(problem, truth).max(),
        "cramer_rao": ct.theory.cramer_rao(problem, truth, draw.noise).mean,
        "noise_law": ct.theory.noise_law(cores, *sizes, draw.noise).mean(),
        "predicted_overlap_left": ct.theory.start_overlap(cores, *sizes, draw.noise, start="pooled").mean_left,
        "predicted_overlap_right": ct.theory.start_overlap(cores, *sizes, draw.noise, start="pooled").mean_right,
        "transfer_together": ct.theory.transfer_errors(truth, 28, draw.noise).together,
    }
    told = columns(everything, "pooled")
    assert {name: told[name] for name in expected} == pytest.approx(expected, rel=1e-10)


def test_the_classes_of_the_isometry_constants_are_the_right_ones(everything):
    assert everything["spread_isometry"] == pytest.approx(4.028)
    assert everything["common_isometry"] == pytest.approx(1.112)
    assert everything["single_isometry"] == pytest.approx(1.028)


def test_the_overlap_is_that_of_the_start(everything):
    pooled, stacked, random = (columns(everything, start) for start in ("pooled", "stacked", "random"))
    assert pooled["predicted_overlap_left"] != stacked["predicted_overlap_left"]
    assert random["predicted_overlap_left"] is random["predicted_overlap_right"] is None
    assert {name for name in COLUMNS if pooled[name] != stacked[name]} == {
        "predicted_overlap_left",
        "predicted_overlap_right",
    }


def test_every_row_of_a_draw_has_what_was_asked_for_and_null_elsewhere(rows):
    by_seed = {row["seed"]: row["contraction_factor"] for row in rows}
    assert len(set(by_seed.values())) == 2
    for row in rows:
        told = {name for name in COLUMNS if row[name] is not None}
        assert told == RATE | (
            {"predicted_overlap_left", "predicted_overlap_right"} if row["start"] == "stacked" else set()
        )
        assert row["contraction_factor"] == by_seed[row["seed"]]


def test_padding_changes_no_law_and_the_rate_is_that_of_the_padded_instance(rows):
    draw, instance = drawn(noise=0.0)
    (key,) = keys([draw], "data")
    padded = ct.sample_instance(key, ct.TaskFamily(4, 7, 6, 2, 0.5), jnp.asarray(28), capacity=32)
    law = ct.theory.contraction_law(np.asarray(instance.truth.orthonormalize().cores), 7, 6, 28)
    assert rows[0]["contraction_law"] == pytest.approx(law, rel=1e-8)
    factor = ct.theory.contraction_factor(padded.problem, padded.truth)
    assert rows[0]["contraction_factor"] == pytest.approx(factor, rel=1e-8)


def test_personal_subspaces_have_a_prediction():
    draw, instance = drawn(misalignment=0.3)
    told = predict(["transfer"], instance, draw)
    aligned = predict(["transfer"], drawn()[1], draw)
    assert told["transfer_together"] > aligned["transfer_together"]

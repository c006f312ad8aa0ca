"""Sweeps of the family: grids, chunks, rows, and one run through the store."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

import colora_theory as ct
from colora_theory.experiments import cli, table
from colora_theory.experiments.config import FamilyConfig, load_config
from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.family.draw import FamilyDraw
from colora_theory.experiments.family.fits import UNDETERMINED, Found
from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.family.registry import FITS, TRUTHS
from colora_theory.experiments.family.smooth import lines, polynomials
from colora_theory.experiments.family.trial import _measured, run_chunk
from colora_theory.experiments.family.truths import STRUCTURES
from colora_theory.experiments.plan import make_plan

SHAPE = {"num_users": 3, "num_rows": 4, "num_cols": 5}
AXES = SHAPE | {"truth": "pooled", "method": ["pooled", "alone"], "num_samples": 12, "noise": 0.1}
DRAW = FamilyDraw("pooled", 6, 8, 7, 30, 0.1, 0)


def plan_of(*grids):
    return make_plan(FamilyConfig(name="tiny", family=list(grids)), "smoke")


def without_time(chunk):
    return run_chunk(chunk).drop_columns("seconds")


def test_draws_are_cut_into_chunks_by_all_axes_but_the_seed():
    plan = plan_of(FamilyGrid(**(AXES | {"noise": [0.0, 0.1]}), num_seeds=7))
    assert [len(chunk.draws) for chunk in plan.chunks] == [5, 2, 5, 2]
    assert plan.num_cells == 28
    assert len({chunk.id for chunk in plan.chunks}) == 4
    assert all(len({dataclasses.replace(draw, seed=0) for draw in chunk.draws}) == 1 for chunk in plan.chunks)


def test_oversampling_is_of_the_truth():
    grid = FamilyGrid(**SHAPE, truth=["pooled", "alone"], method="pooled", oversampling=2.0)
    pooled, alone = grid.draws()
    # 2 (4 + 5 - 2) = 14 unknowns of rank 2 for all, 3 (4 + 5 - 1) = 24 of rank 1 for each, over three users.
    assert (pooled.num_samples, alone.num_samples) == (10, 16)


def test_rows_tell_the_error_and_the_bound():
    (chunk,) = plan_of(FamilyGrid(**(AXES | {"method": "pooled"}), num_seeds=2)).chunks
    rows = run_chunk(chunk)
    assert rows.schema.equals(table.FAMILY_SCHEMA)
    first, second = rows.to_pylist()
    assert first["unknowns"] == first["degrees_of_freedom"] == 14
    assert first["oversampling"] == 36 / 14
    assert first["status_name"] == "CONVERGED"
    assert first["mean_squared_error"] != second["mean_squared_error"]
    for row in (first, second):
        assert 0.1 < row["mean_squared_error"] / row["bound"] < 10
    assert without_time(chunk).equals(without_time(chunk))


def test_a_draw_is_the_same_in_any_company_and_for_every_method():
    (both,) = plan_of(FamilyGrid(**AXES, num_seeds=2)).chunks
    (one,) = plan_of(FamilyGrid(**(AXES | {"method": "pooled"}), num_seeds=1)).chunks
    pooled = without_time(both).to_pylist()
    assert pooled[0] == without_time(one).to_pylist()[0]
    assert pooled[0]["bound"] == pooled[2]["bound"]


def test_more_unknowns_than_data_are_a_row_without_an_error():
    (chunk,) = plan_of(FamilyGrid(**(AXES | {"method": "alone", "num_samples": 7}))).chunks
    (row,) = run_chunk(chunk).to_pylist()
    assert (row["status_name"], row["unknowns"], row["mean_squared_error"]) == (UNDETERMINED, 24, None)


@pytest.mark.parametrize("name", TRUTHS)
def test_every_truth_is_drawn_as_it_says(name):
    # Twelve rows, since some truths are of three layers.
    draw = dataclasses.replace(DRAW, truth=name, num_rows=12, level=0.5 if TRUTHS[name].level else None)
    if name == "new_user_of_a_group":
        draw = dataclasses.replace(draw, num_users=1)
    instance = TRUTHS[name].sample(jax.random.key(0), draw)
    assert instance.weights.shape == draw.shape
    assert instance.judged.shape == (draw.num_users,)
    assert instance.sigma > 0
    if instance.structure is not None:
        assert TRUTHS[name].unknowns(draw) == ct.structures.jacobian_rank(instance.structure, instance.parameters)
        np.testing.assert_allclose(instance.structure.compose(instance.parameters), instance.weights)


def test_the_noise_is_relative_to_the_signal():
    loud = dataclasses.replace(DRAW, num_samples=400, noise=1.0)
    instance = TRUTHS["pooled"].sample(jax.random.key(0), loud)
    clean = np.asarray(instance.problem.sensing(jnp.asarray(instance.weights)))
    np.testing.assert_allclose(instance.sigma, np.sqrt(np.mean(clean**2)), rtol=0.1)
    np.testing.assert_allclose(np.std(instance.problem.targets - clean), instance.sigma, rtol=0.1)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"truth": "poled"}, "unknown truth 'poled'"),
        ({"method": []}, "method is an empty list"),
        ({"noise": [0.1, 0.1]}, "noise lists a value twice"),
        ({"noise": -1.0}, "noise -1.0 must be finite and at least 0"),
        ({"num_samples": None}, "exactly one of num_samples and oversampling"),
        ({"num_samples": None, "oversampling": -1.0}, "oversampling -1.0 must be positive"),
        ({"level": 0.5}, "level 0.5 does not fit truth 'pooled', which has no level"),
        ({"num_rows": 1}, "rank 2 is not in 1"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        FamilyGrid(**(AXES | axes))


def test_a_cell_may_be_in_one_grid_only():
    with pytest.raises(ConfigError, match=r"two grids have a cell in common.*'pooled', truth = pooled"):
        plan_of(FamilyGrid(**AXES), FamilyGrid(**(AXES | {"method": "pooled"})))


def test_a_file_of_the_family_is_run_and_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "own.toml"
    lines = [f"{key} = {value!r}" for key, value in (AXES | {"method": "pooled"}).items()]
    file.write_text("\n".join(['name = "own"', "[[family]]", *lines]))
    assert load_config(file).family[0].values("truth") == ["pooled"]
    for expected in ("1 cells computed, 0 found finished", "0 cells computed, 1 found finished"):
        result = CliRunner().invoke(cli.app, ["sweep", str(file), "--results", "out"], catch_exceptions=False)
        assert result.exit_code == 0
        assert expected in result.stderr
    file.write_text(file.read_text().replace("pooled", "poled"))
    with pytest.raises(ConfigError, match="family 1: unknown truth 'poled'"):
        load_config(file)


def test_every_fit_of_a_structure_has_a_truth():
    assert set(STRUCTURES) <= TRUTHS.keys() & FITS.keys()


def test_errors_are_those_of_the_judged_users():
    draw = FamilyDraw("corrupted_data", 10, 6, 5, 16, 0.01, 0, 0.3)
    instance = TRUTHS[draw.truth].sample(jax.random.key(0), draw)
    weights = instance.weights + np.where(instance.judged, 1.0, 50.0)[:, None, None]
    row = _measured(instance, Found(weights, "CONVERGED"))
    np.testing.assert_allclose(row["mean_squared_error"], 30.0)
    relative = np.sqrt(7 * 30 / np.sum(instance.weights[instance.judged] ** 2))
    np.testing.assert_allclose(row["relative_error"], relative)


def test_between_the_users_the_polynomials_of_the_truth_are_met():
    draw = dataclasses.replace(DRAW, truth="smooth")
    instance = TRUTHS["smooth"].sample(jax.random.key(0), draw)
    structure = instance.structure
    between = structure.predict(instance.parameters, np.convolve(structure.times, [0.5, 0.5], "valid").tolist())
    np.testing.assert_allclose(np.tensordot(polynomials(draw), instance.weights, 1), between, atol=1e-12)
    np.testing.assert_allclose(np.tensordot(lines(draw), instance.weights, 1)[0], instance.weights[:2].mean(axis=0))


def test_intervals_of_the_noise_alone_are_as_wide_as_the_noise():
    draw = FamilyDraw("normal_cores", 5, 4, 3, 40, 0.2, 0, 0.5)
    instance = TRUTHS[draw.truth].sample(jax.random.key(0), draw)
    found = FITS["intervals_plug_in"](instance, draw, jax.random.key(1))
    # The residuals tell the noise to a few percent.
    assert found.measured["interval_width"] == pytest.approx(2 * 1.645, rel=0.2)
    assert found.measured["coverage_50"] < found.measured["coverage_95"]

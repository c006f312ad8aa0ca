"""What `make smoke` leaves behind: complete tables that bear out the claims, and a picture for each.

The folder is named by the environment variable COLORA_OUTPUTS.
"""

import os
from pathlib import Path

import pandas as pd
import pytest

from colora_theory.experiments.gallery import figure_modules
from colora_theory.experiments.sweeps import SWEEPS
from colora_theory.theory import degrees_of_freedom_alone

pytestmark = pytest.mark.outputs

SUCCESS = 1e-6


def table(name):
    return pd.read_parquet(Path(os.environ["COLORA_OUTPUTS"]) / name / "smoke.parquet")


def median(frame, column, **values):
    for name, value in values.items():
        frame = frame[frame[name] == value]
    assert len(frame), values
    return frame[column].median()


@pytest.mark.parametrize("name", SWEEPS)
def test_every_cell_is_there_once(name):
    frame = table(name)
    axes = list(frame.columns[: frame.columns.get_loc("degrees_of_freedom")])
    assert not frame.duplicated(axes).any()
    assert frame["relative_error"].notna().all()


@pytest.mark.parametrize("name", figure_modules())
@pytest.mark.parametrize("kind", ["pdf", "png"])
def test_every_figure_is_drawn(name, kind):
    assert (Path(os.environ["COLORA_OUTPUTS"]) / "figures" / f"{name}.{kind}").stat().st_size > 5_000


def test_together_needs_fewer_samples_than_one_user_has_unknowns():
    together = table("sample_complexity").query("num_users == 16 and num_rows == 20 and num_samples == 24")
    assert (together["relative_error"] < SUCCESS).mean() > 0.5
    assert together["num_samples"].max() < degrees_of_freedom_alone(20, 20, 2)


def test_alternating_recovers_to_rounding_in_fewer_steps_than_gradients():
    frame = table("convergence")
    assert frame.query("method == 'alternating'")["relative_error"].max() < 1e-12
    steps = frame.groupby("method")["steps"].median()
    assert steps["variable_projection"] < steps["alternating"]
    assert steps["alternating"] < min(steps["altgdmin"], steps["gradient_descent"])


def test_a_pooled_start_needs_similar_tasks():
    frame = table("similarity").query("start == 'pooled' and noise == 0")
    success = (frame["relative_error"] < SUCCESS).groupby(frame["similarity"]).mean()
    assert success.iloc[-1] > success.iloc[0]


def test_sharing_pays_until_the_subspaces_part():
    frame = table("similarity").dropna(subset="misalignment")
    aligned, apart = frame["misalignment"].min(), frame["misalignment"].max()
    error = "mean_squared_error"
    assert median(frame, error, method="alternating", misalignment=aligned) < median(
        frame, error, method="alone", misalignment=aligned
    )
    assert median(frame, error, method="alternating", misalignment=apart) > median(
        frame, error, method="alone", misalignment=apart
    )


def test_further_attempts_recover_what_a_stacked_start_does_not():
    frame = table("sample_limit")
    nearest = frame[frame["num_samples"] == frame["num_samples"].min()]
    success = (nearest["relative_error"] < SUCCESS).groupby(nearest["method"]).mean()
    assert success["auto"] == 1
    assert success["auto"] > success["alternating"]


def test_a_longer_path_recovers_no_less():
    frame = table("annealing")
    success = (frame["relative_error"] < SUCCESS).groupby(frame["start"]).mean()
    assert success["annealed_100"] >= success["annealed_10"]


def test_empirical_bayes_beats_maximum_likelihood_with_few_samples():
    frame = table("few_samples").set_index(["num_samples", "seed", "method"])["mean_squared_error"].unstack()
    assert (frame["empirical_bayes"] < frame["auto"]).all()


def test_noise_is_shared_among_the_users():
    frame = table("noise").query("method == 'alternating'")
    few, many = frame["num_users"].min(), frame["num_users"].max()
    assert median(frame, "mean_squared_error", num_users=many) < median(frame, "mean_squared_error", num_users=few)

"""A run that fails is a row that says so, and no other row knows of it."""

import numpy as np

from colora_theory.experiments.config import Grid, SweepConfig
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.trial import run_chunk
from tests.experiments.conftest import SHAPE, without_timing


def rows(noise):
    """One chunk of two lanes, of which the first has no noise."""
    grid = Grid(**SHAPE, num_samples=24, noise=[0.0, noise], max_steps=500)
    (chunk,) = make_plan(SweepConfig(name="tiny", grid=[grid]), "smoke").chunks
    return without_timing(run_chunk(chunk))


def test_a_lane_that_overflows_leaves_the_others_alone():
    beside_a_sound_one, beside_a_broken_one = rows(0.1), rows(1e308)
    assert beside_a_broken_one.slice(0, 1).equals(beside_a_sound_one.slice(0, 1))
    assert beside_a_sound_one["status_name"].to_pylist() == ["CONVERGED", "CONVERGED"]
    assert beside_a_broken_one["status_name"].to_pylist() == ["CONVERGED", "NONFINITE"]
    assert not np.isnan(beside_a_broken_one["relative_error"][0].as_py())

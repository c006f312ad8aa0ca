import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.experiments.long_run import long_run_contraction


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_it_is_the_spectral_radius_to_four_digits(noise):
    """Also where modes of nearly the same rate hide the slowest from a single run, and whatever the noise."""
    drawn = ct.sample_instance(jax.random.key(1), ct.TaskFamily(6, 8, 7, 2), 14, noise)
    measured = long_run_contraction(drawn.problem, drawn.truth, ct.solvers.AlternatingMinimization())
    np.testing.assert_allclose(measured, ct.theory.contraction_factor(drawn.problem, drawn.truth), rtol=1e-3)

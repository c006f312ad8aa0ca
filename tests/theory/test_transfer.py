import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.theory import misalignment_crossing, noise_law, transfer_errors

KEY = jax.random.key(0)
FAMILY = ct.TaskFamily(8, 12, 12, 2)


def test_shared_subspaces_have_no_bias():
    truth = FAMILY.sample_truth(KEY)
    errors = transfer_errors(truth, 60, 0.5)
    np.testing.assert_allclose(errors.together, noise_law(np.asarray(truth.cores), 12, 12, 60, 0.5).mean(), rtol=1e-6)
    assert errors.together < errors.alone < errors.pooled


def test_the_errors_are_those_of_fits():
    """Means over ten draws of the design and the noise, at a misalignment where all three differ."""
    family = ct.TaskFamily(8, 12, 12, 2, similarity=0.5, misalignment=0.25)
    measured = {"together": [], "alone": [], "pooled": []}
    predicted = {name: [] for name in measured}
    for seed in range(10):
        drawn = ct.sample_instance(jax.random.key(seed), family, 160, 0.2)
        problem, truth = drawn.problem, drawn.truth
        law = transfer_errors(truth, 160, 0.2)
        fits = {
            "together": ct.solve(problem, ct.solvers.VariableProjection(), ct.starts.Stacked(), 2),
            "alone": ct.baselines.alone(problem, 2, key=KEY),
            "pooled": ct.baselines.pooled(problem, 2, key=KEY),
        }
        for name, fit in fits.items():
            measured[name].append(float(ct.metrics.mean_squared_error(fit.factors, truth)))
            predicted[name].append(getattr(law, name))
    for name in measured:
        np.testing.assert_allclose(np.mean(measured[name]), np.mean(predicted[name]), rtol=0.15, err_msg=name)


def test_the_crossing_balances_the_errors():
    sine = misalignment_crossing(FAMILY, 90, 0.5, key=KEY, draws=2)
    assert 0 < sine < 1

    def errors(misalignment):
        family = ct.TaskFamily(8, 12, 12, 2, misalignment=misalignment)
        return [transfer_errors(family.sample_truth(each), 90, 0.5) for each in jax.random.split(KEY, 2)]

    for misalignment, pays in ((0.8 * sine, True), (min(1.2 * sine, 1.0), False)):
        drawn = errors(misalignment)
        assert (sum(each.together for each in drawn) < sum(each.alone for each in drawn)) == pays


def test_limits_of_the_crossing():
    # Below counting a user alone has no finite error, and collaboration always pays.
    assert misalignment_crossing(FAMILY, 30, 0.5, key=KEY, draws=2) == np.inf
    with pytest.raises(ValueError, match="noise -1"):
        transfer_errors(FAMILY.sample_truth(KEY), 60, -1.0)

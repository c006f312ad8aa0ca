"""Noisy fits over many draws: `pytest -m long tests/test_noise_restarts.py -s` prints the counts."""

import jax
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.lanes import map_lanes

FAMILY, NOISE = ct.TaskFamily(30, 20, 20, 2, similarity=0.5), 1.0
RESTARTS, SAME_LOSS = 10, 1e-6


def noisy_fits(num_samples, draws):
    """Loss of the library's escalation over the lowest of ten other restarts, and the error of both estimates."""
    solver = ct.solvers.VariableProjection()
    others = (ct.starts.Stacked(), ct.starts.Turned())

    def measure(key):
        drawn = ct.sample_instance(key, FAMILY, num_samples, NOISE)
        both = [
            ct.solve_with_restarts(
                drawn.problem, solver, starts, 2, attempts=RESTARTS, agreeing=agreeing, key=key, max_steps=100
            )
            for starts, agreeing, key in (
                (ct.ESCALATION, 3, jax.random.key(0)),
                (others, RESTARTS + 1, jax.random.key(5)),
            )
        ]
        found, lowest = (solution.relative_residual for solution in both)
        shrunk = ct.shrink(drawn.problem, both[0].factors).factors
        errors = [ct.metrics.relative_error(factors, drawn.truth) for factors in (both[0].factors, shrunk)]
        return found / lowest - 1, *errors, both[0].status, both[0].attempts.num_made

    keys = jax.random.split(jax.random.key(2), draws)
    return map(np.asarray, jax.jit(lambda keys: map_lanes(measure, keys))(keys))


@pytest.mark.long
@pytest.mark.parametrize(("num_samples", "draws"), [(12, 60), (20, 120), (60, 60), (100, 60)])
def test_the_lowest_loss_is_found_and_shrinking_does_not_hurt(num_samples, draws):
    excess, likelihood, shrunk, status, made = noisy_fits(num_samples, draws)
    ratio = shrunk / likelihood
    print(
        f"n = {num_samples}: lowest loss of {RESTARTS} restarts reached in {np.sum(excess < SAME_LOSS)}/{draws}, worst "
        f"excess {excess.max():.1e}; converged {np.sum(status == ct.Status.CONVERGED)}; attempts {np.median(made):g}; "
        f"median error {np.median(likelihood):.3f}, shrunk over it {np.median(ratio):.3f}, at most {ratio.max():.3f}"
    )
    assert np.mean(excess < SAME_LOSS) >= 0.95
    assert np.median(ratio) <= {12: 0.9, 20: 1.0}.get(num_samples, 1.0)

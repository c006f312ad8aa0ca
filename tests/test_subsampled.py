from typing import ClassVar

import jax
import jax.numpy as jnp
import pytest

import colora_theory as ct

FAMILY = ct.TaskFamily(num_users=12, num_rows=10, num_cols=1, rank=(2, 1))
KEY = jax.random.key(0)


class Watched(ct.solvers.ScaledLBFGS):
    """Tells from how many samples it is asked to start."""

    seen: ClassVar[list[int]] = []

    def init(self, problem, factors):
        self.seen.append(problem.sensing.num_samples)
        return super().init(problem, factors)


def test_a_part_of_the_samples_leads_to_the_truth():
    """Without noise it is found on the part, so that hardly a step on all data is left."""
    drawn = ct.sample_instance(KEY, FAMILY, 60)
    solver = ct.solvers.ScaledLBFGS()
    start = ct.Subsampled(solver, gradient_tol=1e-12)
    solution = ct.solve(drawn.problem, solver, start, (2, 1), key=KEY)
    plain = ct.solve(drawn.problem, solver, ct.starts.Stacked(), (2, 1), key=KEY)
    assert ct.metrics.relative_error(solution.factors, drawn.truth) < 1e-12
    assert solution.num_steps <= 2 < plain.num_steps


def test_only_the_part_is_read():
    """Five times DoF / k = 40 / 12 measurements of each user."""
    Watched.seen.clear()
    ct.Subsampled(Watched()).subspaces(ct.sample_instance(KEY, FAMILY, 60).problem, (2, 1), KEY)
    assert set(Watched.seen) == {17}


def test_with_noise_the_minimum_of_all_data_is_found():
    drawn = ct.sample_instance(KEY, FAMILY, 60, 0.3)
    solver = ct.solvers.ScaledLBFGS()
    starts = ct.Subsampled(solver), ct.starts.Stacked()
    solutions = [ct.solve(drawn.problem, solver, start, (2, 1), key=KEY) for start in starts]
    part, plain = (solution.factors.compose() for solution in solutions)
    assert jnp.linalg.norm(part - plain) < 1e-6 * jnp.linalg.norm(plain)
    assert solutions[0].num_steps < solutions[1].num_steps


def test_too_few_samples_leave_the_other_start_alone():
    problem = ct.sample_instance(KEY, FAMILY, 16).problem
    found = ct.Subsampled().subspaces(problem, (2, 1), KEY)
    stacked = ct.starts.Stacked().subspaces(problem, (2, 1), KEY)
    assert all(bool(jnp.array_equal(a, b)) for a, b in zip(found, stacked, strict=True))


def test_a_part_that_determines_nothing_is_refused():
    with pytest.raises(ValueError, match=r"oversampling 1\.0 is not above 1"):
        ct.Subsampled(oversampling=1.0)

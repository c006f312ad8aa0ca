"""What results say of themselves in a terminal and in a notebook."""

import equinox as eqx
import jax
import numpy as np
import pytest

import colora_theory as ct


@pytest.fixture(scope="module")
def solved():
    family = ct.TaskFamily(num_users=6, num_rows=9, num_cols=7, rank=(3, 2), similarity=0.3)
    problem = ct.sample_instance(jax.random.key(0), family, num_samples=24).problem
    return problem, ct.solve(problem, ct.solvers.AlternatingMinimization(), ct.starts.Stacked(), (3, 2), max_steps=3)


def test_a_line_in_a_terminal(solved):
    problem, solution = solved
    assert repr(problem) == (
        "Problem(measurements: Dense, 24 of each user at most, users: 6, weights: 9 x 7, precision: float64)"
    )
    assert repr(solution.factors) == "Factors(users: 6, weights: 9 x 7, rank: (3, 2), precision: float64)"
    assert repr(solution).startswith("Solution(status: MAX_STEPS, steps: 3, relative residual: ")
    assert repr(jax.tree.map(np.asarray, solution)) == repr(solution)


def test_a_table_in_a_notebook(solved):
    shown = solved[1]._repr_html_()
    for told in ("<caption>Solution</caption>", "MAX_STEPS", "9 x 7", "(3, 2)"):
        assert told in shown


def test_nothing_is_computed_of_what_is_traced_or_a_batch(solved):
    _, solution = solved
    seen = []
    jax.jit(lambda each: seen.append(repr(each)))(solution)
    batch = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), solution)
    for told in (seen[0], repr(batch)):
        assert "weights: 9 x 7" in told
        assert "MAX_STEPS" not in told
    assert "shape (2,)" in repr(batch)
    assert "status=True" in repr(jax.tree.map(lambda _: True, solution))


def test_a_frame_has_a_row_for_each_user(solved):
    _, solution = solved
    frame = solution.to_frame()
    assert list(frame.columns) == ["user", "adapter_norm", *(f"core_{p}_{q}" for p in (1, 2, 3) for q in (1, 2))]
    np.testing.assert_allclose(frame["adapter_norm"], np.linalg.norm(solution.factors.compose(), axis=(1, 2)))
    np.testing.assert_array_equal(frame["core_2_1"], solution.factors.cores[:, 1, 0])
    assert solution.to_frame(list("abcdef"))["user"].tolist() == list("abcdef")
    with pytest.raises(ValueError, match="2 names were given for 6 users"):
        solution.to_frame(["a", "b"])


def test_a_frame_has_the_errors_of_the_users(solved):
    problem, solution = solved
    uncertainty = ct.Uncertainty.of(problem, solution.factors)
    frame = solution.to_frame(uncertainty=uncertainty)
    np.testing.assert_array_equal(frame["estimated_error"], uncertainty.errors)
    np.testing.assert_allclose(frame["estimated_relative_error"] * frame["adapter_norm"], uncertainty.errors)
    alone = eqx.tree_at(lambda solution: solution.factors.cores, solution, solution.factors.cores[:2])
    with pytest.raises(ValueError, match="uncertainty is of 6 users, the solution of 2"):
        alone.to_frame(uncertainty=uncertainty)

"""From own data of every kind to fitted weights, and what is said of bad data."""

import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct

K, D1, D2, RANK = 6, 8, 7, (2, 2)
rng = np.random.default_rng(11)
OFFSET = rng.standard_normal((D1, D2))
WEIGHTS = OFFSET + np.einsum(
    "ar,krs,bs->kab", rng.standard_normal((D1, 2)), rng.standard_normal((K, 2, 2)), rng.standard_normal((D2, 2))
)
LEFT, RIGHT = rng.standard_normal((K, 30, D1)), rng.standard_normal((K, 30, D2))
BILINEAR = np.einsum("kna,kab,knb->kn", LEFT, WEIGHTS, RIGHT)
OUTPUTS = np.einsum("kab,knb->kna", WEIGHTS, RIGHT)
LENGTHS = [30, 26, 35, 30, 40, 33]
PLACES = [np.sort(rng.permutation(D1 * D2)[:n]) for n in LENGTHS]
ROWS, COLS = [place // D2 for place in PLACES], [place % D2 for place in PLACES]
VALUES = [each[rows, cols] for each, rows, cols in zip(WEIGHTS, ROWS, COLS, strict=True)]


def from_moments():
    moments = ct.OutputMoments(K, D1, D2)
    moments.update(RIGHT, OUTPUTS)
    return ct.Problem.from_moments(moments, offset=OFFSET)


@pytest.mark.parametrize(
    "problem",
    [
        lambda: ct.Problem.rank_one(LEFT, RIGHT, BILINEAR, offset=OFFSET),
        lambda: ct.Problem.vector_output(RIGHT, OUTPUTS, offset=OFFSET),
        lambda: ct.Problem.entries(ROWS, COLS, VALUES, (D1, D2), offset=OFFSET),
        from_moments,
    ],
    ids=["rank-one", "vector-output", "entries", "moments"],
)
def test_every_door_leads_to_the_weights(problem):
    solution = ct.fit(problem(), rank=RANK)
    np.testing.assert_allclose(solution.weights, WEIGHTS, atol=1e-9)
    assert isinstance(solution.weights, np.ndarray)


def test_vector_tasks():
    """theta_i = B w_i: d2 = 1, nothing to find on the right."""
    inputs, truth = rng.standard_normal((20, 15, D1)), rng.standard_normal((20, 2)) @ rng.standard_normal((2, D1))
    targets = np.einsum("kna,ka->kn", inputs, truth)
    solution = ct.fit(inputs[..., None], targets, rank=(2, 1))
    np.testing.assert_allclose(solution.weights[..., 0], truth, atol=1e-10)
    with pytest.raises(ValueError, match=r"rank \(2, 2\)|rank 2 exceeds"):
        ct.fit(inputs[..., None], targets, rank=2)


def test_data_beside_a_problem_are_refused():
    problem = ct.Problem.rank_one(LEFT, RIGHT, BILINEAR)
    with pytest.raises(TypeError, match="offset was given beside a Problem"):
        ct.fit(problem, rank=2, offset=OFFSET)
    with pytest.raises(TypeError, match="rank is missing"):
        ct.fit(problem)
    with pytest.raises(TypeError, match="y is missing"):
        ct.fit(LEFT, rank=2)


def test_float32_stays_float32():
    problems = (
        ct.Problem.rank_one(*(data.astype(np.float32) for data in (LEFT, RIGHT, BILINEAR))),
        ct.Problem.vector_output(RIGHT.astype(np.float32), OUTPUTS.astype(np.float32)),
        ct.Problem.entries(ROWS, COLS, [values.astype(np.float32) for values in VALUES], (D1, D2)),
    )
    for problem in problems:
        assert problem.targets.dtype == problem.sample_weights.dtype == jnp.float32
        assert problem.moments().dtype == jnp.float32


def changed(sequence, user, sample, value):
    copies = [np.array(each) for each in sequence]
    copies[user][sample] = value
    return copies


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rows": changed(ROWS, 2, 3, 8)}, ValueError, r"rows of user 2, sample 3 is 8: outside \[0, 7\]"),
        ({"cols": changed(COLS, 0, 1, -1)}, ValueError, r"cols of user 0, sample 1 is -1: outside \[0, 6\]"),
        (
            {"rows": changed(ROWS, 1, 4, ROWS[1][3]), "cols": changed(COLS, 1, 4, COLS[1][3])},
            ValueError,
            rf"user 1 has the entry \({ROWS[1][3]}, {COLS[1][3]}\) 2 times",
        ),
        (
            {
                "rows": [*ROWS[:5], ROWS[5][:0]],
                "cols": [*COLS[:5], COLS[5][:0]],
                "values": [*VALUES[:5], VALUES[5][:0]],
            },
            ValueError,
            "user 5 has no entry",
        ),
        ({"rows": [rows.astype(float) for rows in ROWS]}, TypeError, "rows of user 0 has dtype float64: integers"),
        ({"values": [values[:20] for values in VALUES]}, ValueError, "user 0 has 30 samples in rows and 20 in values"),
        ({"values": changed(VALUES, 3, 2, np.nan)}, ValueError, r"values of user 3 is nan at index \(2,\)"),
    ],
)
def test_bad_entries_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ct.Problem.entries(**({"rows": ROWS, "cols": COLS, "values": VALUES, "shape": (D1, D2)} | arguments))


def test_bad_samples_are_named():
    with pytest.raises(ValueError, match="user 0 has 30 samples in a and 29 in b"):
        ct.Problem.rank_one(LEFT, RIGHT[:, :29], BILINEAR)
    with pytest.raises(ValueError, match="user 4 has 30 samples in X and 12 in Y"):
        ct.Problem.vector_output([*RIGHT], [*OUTPUTS[:4], OUTPUTS[4][:12], OUTPUTS[5]])
    with pytest.raises(ValueError, match=r"offset has shape \(7, 8\)"):
        ct.Problem.vector_output(RIGHT, OUTPUTS, offset=OFFSET.T)


def test_what_a_core_and_a_row_need_is_said():
    few = ct.Problem.vector_output([*RIGHT[:5], RIGHT[5][:1]], [*OUTPUTS[:5], OUTPUTS[5][:1]])
    with pytest.warns(ct.IdentifiabilityWarning, match="needs 16 measurements to be identifiable, but user 5 has 8"):
        few.warn_if_unidentifiable(RANK)
    rows = [np.where(rows == 7, 6, rows) for rows in ROWS]
    kept = [np.unique(each * D2 + cols) for each, cols in zip(rows, COLS, strict=True)]
    problem = ct.Problem.entries(
        [place // D2 for place in kept], [place % D2 for place in kept], [place * 1.0 for place in kept], (D1, D2)
    )
    with pytest.warns(ct.IdentifiabilityWarning, match="2 entries in every row to be identifiable, but row 7 has 0"):
        problem.warn_if_unidentifiable(RANK)

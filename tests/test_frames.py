"""Tables as problems: the same as arrays through the doors, whatever the order of rows and columns."""

import subprocess
import sys

import jax
import numpy as np
import pandas as pd
import pytest

import colora_theory as ct
from colora_theory.selection import OutputSamples, ProblemSamples
from colora_theory.selection.samples import samples_of

rng = np.random.default_rng(0)
LENGTHS = (5, 3, 6)
USER = np.repeat(np.arange(3), LENGTHS)
A, B = rng.standard_normal((14, 4)), rng.standard_normal((14, 2))


def numbered(**arrays):
    return {f"{name}_{place + 1}": each[:, place] for name, each in arrays.items() for place in range(each.shape[1])}


def by_user(array):
    return np.split(array, np.cumsum(LENGTHS)[:-1])


ROWS = np.concatenate([rng.permutation(12)[:count] for count in LENGTHS])
KINDS = {
    "rank-one": (
        numbered(a=A, b=B) | {"y": A[:, 0]},
        lambda: ct.Problem.rank_one(by_user(A), by_user(B), by_user(A[:, 0])),
    ),
    "vector output": (numbered(x=B, y=A), lambda: ct.Problem.vector_output(by_user(B), by_user(A))),
    "entries": (
        {"row": ROWS // 3, "col": ROWS % 3, "value": A[:, 0]},
        lambda: ct.Problem.entries(by_user(ROWS // 3), by_user(ROWS % 3), by_user(A[:, 0]), (4, 3)),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_the_problem_of_its_arrays(kind):
    """Columns in reverse, users interleaved, each user's own samples in order; in all dtypes with the same numbers."""
    columns, door = KINDS[kind]
    frame = pd.DataFrame({"user": np.array(["ann", "bob", "cy"])[USER]} | columns)
    mixed = frame.iloc[np.argsort(np.concatenate([np.arange(count) for count in LENGTHS]), kind="stable"), ::-1]
    before = mixed.copy()
    shape = {"shape": (4, 3)} if kind == "entries" else {}
    expected = door()
    for each in (mixed, mixed.astype(dict.fromkeys(columns, object)), mixed.convert_dtypes()):
        found = ct.Problem.from_frame(each, **shape)
        assert found.sensing.weights_shape == expected.sensing.weights_shape
        jax.tree.map(np.testing.assert_array_equal, found, expected)
        assert ct.user_names(each) == ["ann", "bob", "cy"]
    pd.testing.assert_frame_equal(mixed, before)


@pytest.mark.parametrize("kind", KINDS)
def test_tables_are_held_out_as_their_arrays(kind):
    """Of vector outputs sample by sample, where a problem has virtual ones; by both that hold out."""
    columns, door = KINDS[kind]
    order = np.argsort(np.concatenate([np.arange(count) for count in LENGTHS]), kind="stable")
    frame = pd.DataFrame({"user": USER} | columns).iloc[order]
    expected = OutputSamples(by_user(B), by_user(A)) if kind == "vector output" else ProblemSamples(door())
    found = samples_of(frame)
    np.testing.assert_array_equal(found.present, expected.present)
    assert found.num_samples.tolist() == list(LENGTHS)
    kept = expected.present & (rng.random(expected.present.shape) < 0.7)
    jax.tree.map(np.testing.assert_array_equal, found.train(kept), expected.train(kept))
    weights = rng.standard_normal(expected.train(kept).sensing.weights_shape)
    np.testing.assert_array_equal(found.losses(weights), expected.losses(weights))
    for ask in (ct.select_rank, ct.compare, ct.choose_structure):
        with pytest.raises(ValueError, match="folds 4 exceeds the 3 samples of user 1"):
            ask(frame, folds=4)
        with pytest.raises(TypeError, match="y was given beside a DataFrame: leave it out"):
            ask(frame, np.ones(14))


def test_users_that_are_integers_are_in_their_order():
    frame = pd.DataFrame({"user": ["10", "9", "10"], "row": [0, 0, 1], "col": [1, 0, 2], "value": [1, 2, 3]})
    assert ct.user_names(frame) == ["9", "10"]
    assert ct.user_names(frame.astype({"user": int})) == [9, 10]
    problem = ct.Problem.from_frame(frame, offset=np.ones((2, 3)))
    np.testing.assert_array_equal(problem.targets * problem.sample_weights, [[1, 0], [0, 2]])
    assert problem.sensing.weights_shape == (2, 2, 3)


GOOD = pd.DataFrame({"user": [1, 1], "y": [1.0, 2.0], "a_1": [1.0, 2.0], "b_1": [3.0, 4.0]})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (GOOD.assign(z=1), "the table has the column 'z'; known: user, y, a_1"),
        (GOOD.assign(a_3=1.0), "has a_3 but no a_2"),
        (GOOD.drop(columns="user"), "has the columns y, a_1, b_1; known"),
        (pd.concat([GOOD, GOOD[["y"]]], axis=1), "has the column y twice"),
        (GOOD.iloc[:0], "has columns but no rows"),
        (GOOD.assign(user=[1, None]), "user is empty in row 2"),
        (GOOD.assign(y=["1", "x"]), "y is 'x' in row 2: a finite number is needed"),
        (GOOD.assign(y=pd.array([1, None], dtype="Int64")), "y is '<NA>' in row 2: a finite number is needed"),
        (GOOD.assign(b_1=pd.Timestamp("2020-01-01")), "b_1 is '2020-01-01 00:00:00' in row 1: a finite number"),
        (GOOD.assign(b_1=[1j, 2j]), "b_1 is '1j' in row 1: a finite number"),
    ],
)
def test_bad_tables_are_named(frame, message):
    with pytest.raises(ValueError, match=message):
        ct.Problem.from_frame(frame)


def test_what_goes_with_a_table():
    with pytest.raises(ValueError, match=r"shape \(1, 1\) was given beside .*leave it out"):
        ct.Problem.from_frame(GOOD, shape=(1, 1))
    with pytest.raises(ValueError, match="columns y; user is needed"):
        ct.user_names(GOOD[["y"]])
    with pytest.raises(TypeError, match="frame is dict: a pandas DataFrame is needed"):
        ct.Problem.from_frame({"user": [1]})
    with pytest.raises(TypeError, match="y was given beside a DataFrame: leave it out"):
        ct.fit(GOOD, np.ones(2), 1)
    with pytest.raises(ValueError, match=r"arrays are \['A', 'a'\]; known: A, y"):
        ct.Problem.from_arrays({"A": A, "a": A})


def test_a_table_is_fitted_in_double_precision():
    """Without noise, whatever JAX is configured to."""
    weights = np.array([[1.0], [2.0], [0.5]])[USER, :, None] * np.outer([1, 2, 3, 4], [1, -1])
    frame = pd.DataFrame({"user": USER} | numbered(x=B, y=np.einsum("nab,nb->na", weights, B)))
    with jax.enable_x64(False):
        solution = ct.fit(frame, rank=1, solver=ct.solvers.AlternatingMinimization())
    assert solution.weights.dtype == np.float64
    np.testing.assert_allclose(solution.weights[1], 2 * np.outer([1, 2, 3, 4], [1, -1]), rtol=1e-9)


def test_pandas_is_imported_by_who_has_a_table_only():
    code = "import sys, colora_theory as ct; ct.Problem, ct.user_names; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

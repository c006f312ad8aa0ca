"""Own data from files: every layout, what is said of bad ones, and what `colora fit` tells."""

import functools
import json
import warnings

import equinox as eqx
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import colora_theory as ct
from colora_theory.experiments import fitting, own_data
from colora_theory.experiments.cli import app
from colora_theory.experiments.errors import ColoraError, ConfigError
from colora_theory.experiments.examples import write_examples
from colora_theory.experiments.own_data import arrange, read_data

rng = np.random.default_rng(0)
A, Y = rng.standard_normal((3, 5, 4, 2)), rng.standard_normal((3, 5))


def colora(*arguments) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "examples"
    write_examples(folder)
    return folder


@pytest.fixture
def one_attempt(monkeypatch):
    """A quicker fit, of one compiled program."""
    monkeypatch.setattr(ct, "fit", functools.partial(ct.fit, solver=ct.solvers.AltGDmin()))


def npz(tmp_path, **arrays):
    np.savez(tmp_path / "data.npz", **arrays)
    return tmp_path / "data.npz"


def csv(tmp_path, text):
    (tmp_path / "data.csv").write_text(text)
    return tmp_path / "data.csv"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dense.npz", "dense"),
        ("rank_one.npz", "rank_one.csv"),
        ("vector_output.npz", "vector_output.parquet"),
        ("entries.npz", "entries.csv"),
    ],
)
def test_every_layout_of_the_same_data(examples, one, other):
    first, second = read_data(examples / one), read_data(examples / other)
    assert (first.kind, first.users) == (second.kind, second.users)
    assert first.arrays.keys() == second.arrays.keys()
    for name, parts in first.arrays.items():
        for mine, yours in zip(parts, second.arrays[name], strict=True):
            np.testing.assert_allclose(mine, yours, rtol=1e-15)
    problems = first.problem(), second.problem()
    np.testing.assert_array_equal(problems[0].targets, problems[1].targets)
    assert problems[0].sensing.weights_shape == problems[1].sensing.weights_shape == (6, 8, 6)


def test_samples_in_any_order_and_names_of_users(tmp_path):
    """Rows of users a, b, a: b first sample is row 1."""
    table = "y, user,a_1,b_2,b_1\n1,b,4,20,10\n2,a,5,21,11\n3,b,6,22,12\n"
    data = read_data(csv(tmp_path, table))
    assert (data.kind, data.users, data.num_samples) == ("rank-one", ("a", "b"), [1, 2])
    np.testing.assert_array_equal(data.arrays["y"][1], [1.0, 3.0])
    np.testing.assert_array_equal(data.arrays["b"][1], [[10, 20], [12, 22]])
    numbered = arrange(tmp_path, {"user": np.array([10, 9, 10]), "A": A[0, :3], "y": Y[0, :3]})
    assert numbered.users == ("9", "10")
    np.testing.assert_array_equal(numbered.arrays["A"][1], A[0, [0, 2]])


def test_integers_are_numbers(tmp_path):
    data = read_data(npz(tmp_path, X=np.ones((2, 3, 2), int), Y=np.ones((2, 3, 4), np.float32)))
    assert data.kind == "vector-output"
    assert {part.dtype for parts in data.arrays.values() for part in parts} == {np.dtype(float)}


def test_large_matrices_are_streamed(tmp_path, monkeypatch):
    for name, array in {"A": A, "y": Y}.items():
        np.save(tmp_path / f"{name}.npy", array)
    assert read_data(tmp_path).streamed is None
    assert read_data(tmp_path, stream=True).streamed == tmp_path / "A.npy"
    monkeypatch.setattr(own_data, "available_memory", lambda: 3 * A.nbytes)
    data = read_data(tmp_path)
    assert data.streamed == tmp_path / "A.npy"
    np.testing.assert_array_equal(data.problem().targets, Y)
    assert read_data(tmp_path, stream=False).streamed is None
    np.save(tmp_path / "user.npy", [0, 1, 0])
    np.save(tmp_path / "A.npy", A[0, :3])
    np.save(tmp_path / "y.npy", Y[0, :3])
    with pytest.raises(ConfigError, match="user falls from 1 to 0 at sample 2: sort by user"):
        read_data(tmp_path, stream=True)
    monkeypatch.setattr(own_data, "available_memory", lambda: 250)
    with pytest.raises(ConfigError, match="the data take 288 bytes, 250 are left"):
        read_data(tmp_path, stream=False).problem()


INFINITE, OBJECTS = np.where(Y.max() == Y, np.inf, Y), np.array([{}, []], dtype=object)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"A": A}, "holds A, which fits no layout; known: A, y; a, b, y; X, Y; rows, cols, values"),
        ({}, "holds nothing, which fits no layout"),
        ({"A": A, "y": Y, "W0": A[0, 0]}, "holds W0 beside A, y; also known: offset, user"),
        ({"A": A, "a": A[..., 0], "b": A[..., 0, :], "y": Y}, "fits several layouts"),
        ({"A": A[0], "y": Y}, r"A has shape \(5, 4, 2\), 4 axes are needed, users first; with a `user` array"),
        ({"A": A, "y": Y[:2]}, "same users, at least 1; they have: A 3, y 2"),
        ({"A": A[:0], "y": Y[:0]}, "at least 1; they have: A 0, y 0"),
        ({"A": A, "y": Y[:, :4]}, "user 0 has 5 samples in A and 4 in y"),
        ({"A": A, "y": INFINITE}, r"y of user \d is inf at index \(\d,\)"),
        ({"A": A, "y": Y.astype(complex)}, "y of user 0 has dtype complex128: float32 or float64"),
        ({"A": A[0], "y": Y[0], "user": np.arange(4)}, r"A has shape \(5, 4, 2\), but user names 4 samples"),
        ({"A": A[0], "y": Y[0], "user": np.arange(5.0)}, r"user has shape \(5,\) and dtype float64"),
        ({"A": A, "y": Y, "offset": A[0]}, r"offset has shape \(5, 4, 2\), the weights have \(4, 2\)"),
        ({"X": A[..., 0], "Y": OBJECTS}, "cannot be read: Object arrays cannot be loaded"),
        ({"rows": Y, "cols": Y, "values": Y}, "rows of user 0 has dtype float64: integers are needed"),
        ({"rows": [[0]], "cols": [[-1]], "values": [[1.0]]}, r"cols of user 0, sample 0 is -1: outside \[0, 0\]"),
        ({"rows": [[0]], "cols": [[1]], "values": [[1.0]], "shape": [2, 0]}, r"shape is \[2, 0\], two integers"),
    ],
)
def test_bad_arrays_are_named(tmp_path, arrays, message):
    with pytest.raises(ConfigError, match=message):
        read_data(npz(tmp_path, **arrays)).problem()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("user,y,a_1,b_1\n", "has columns but no rows"),
        ("user,y,a_1,b_1\n1,x,2,3\n", "y is 'x' in row 1: a finite number"),
        ("user,y,a_1,b_1\n1,1,2,3\n1,1,inf,3\n", "a_1 is 'inf' in row 2"),
        ("user,y,a_1,b_1\n,1,2,3\n", "user is empty in row 1"),
        ("y,a_1,b_1\n1,2,3\n", "has the columns y, a_1, b_1; known: user, y, a_1"),
        ("user,y,a_1\n1,2,3\n", "has the columns user, y, a_1; known"),
        ("user,y,a_1,a_3,b_1\n1,2,3,4,5\n", "has a_3 but no a_2"),
        ("user,y,a_1,b_1,b_1\n1,2,3,4,5\n", r"has the column 'b_1.1'; known"),
        ("user,y,a_1, a_1,b_1\n1,2,3,4,5\n", "has the column a_1 twice"),
        ("user,row,col,value,other\n1,2,3,4,5\n", "has the column 'other'; known"),
        ("user,row,col,value\n1,0.5,3,4\n", "rows of user 0 has dtype float64: integers are needed"),
        ("user,row,col,value\n1,0,3,4\n1,0,3,5\n", r"user 0 has the entry \(0, 3\) 2 times"),
    ],
)
def test_bad_tables_are_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        read_data(csv(tmp_path, text)).problem()


def test_bad_files_end_with_code_2(tmp_path):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 not an archive")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "data.xlsx").write_bytes(b"")
    np.save(tmp_path / "single.npy", Y)
    (tmp_path / "single.npy").rename(tmp_path / "single.npz")
    (tmp_path / "empty").mkdir()
    for name, words in {
        "none.npz": "does not exist",
        "broken.npz": "no .npz file",
        "broken.parquet": "cannot be read",
        "data.xlsx": "suffix '.xlsx'; known",
        "single.npz": "no .npz file",
        "empty": "holds no .npy file",
    }.items():
        code, _, err = colora("fit", tmp_path / name, "--rank", 1)
        assert code == 2
        assert words in err
        assert len(err.splitlines()) <= 2
    code, _, err = colora("fit", tmp_path / "data.npz", "--rank", 1, "--stream")
    assert code == 2


def test_an_entry_far_away_is_no_reason_to_fill_the_memory(tmp_path):
    table = csv(tmp_path, f"user,row,col,value\n1,{10**9},{10**9},1\n1,0,0,1\n")
    with pytest.raises(ConfigError, match=r"weights of shape \(1, 1000000001, 1000000001\) take"):
        fitting.fit_data(read_data(table), 1)


def test_what_a_fit_tells(examples, one_attempt, tmp_path):
    data = read_data(examples / "dense.npz")
    fitted = fitting.fit_data(data, 2)
    weights = np.asarray(fitted.solution.weights)
    residuals = [
        y - np.einsum("nab,ab->n", matrices, own)
        for matrices, y, own in zip(data.arrays["A"], data.arrays["y"], weights, strict=True)
    ]
    np.testing.assert_allclose(
        fitted.accuracy.residual_rms, [np.sqrt(np.mean(each**2)) for each in residuals], rtol=1e-9
    )
    noise = fitted.accuracy.noise
    assert (noise.measurements, noise.unknowns) == (280, 2 * 6 + 2 * 4 + 6 * 4)
    np.testing.assert_allclose(noise.sigma**2, sum(np.sum(each**2) for each in residuals) / (280 - 44), rtol=1e-9)
    # Drawn with noise of .02, and errors are what the bound expects: six of them, of 7 unknowns each.
    assert 0.8 < noise.sigma / 0.02 < 1.2
    truth = np.load(examples / "truth.npz")["weights"]
    ratio = np.sum((weights - truth) ** 2) / np.sum(fitted.accuracy.errors**2)
    assert 0.3 < ratio < 2.5
    assert set(fitted.accuracy.limits) == {"noise"}

    paths = fitting.write(fitted, tmp_path / "out")
    kept = np.load(paths[0])
    composed = np.einsum("ar,krs,bs->kab", kept["left"], kept["cores"], kept["right"])
    np.testing.assert_allclose(composed, weights, atol=1e-12)
    assert kept["users"].tolist() == list(map(str, range(6)))
    told = json.loads(paths[1].read_text())
    assert told == fitting.summary(fitted)
    assert told["status"] == "CONVERGED"
    assert [row["samples"] for row in told["users"]] == data.num_samples
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "factors.npz", "summary.html", "summary.json", "summary.svg",
    ]  # fmt: skip
    for row in told["users"]:
        assert 0 < row["relative_error_lower"] < row["estimated_relative_error"] < row["relative_error_upper"]
    sides = np.moveaxis(kept["cores"], 1, 0).reshape(2, -1), kept["cores"].reshape(-1, 2)
    for name, side in zip(("left", "right"), sides, strict=True):
        energy = np.sum(np.square(told["core_singular_values"][name]))
        assert energy == pytest.approx(np.sum(side**2), rel=1e-12)
    page = (tmp_path / "out" / "summary.html").read_text()
    assert page.count("<svg") == 1
    assert "http" not in page.replace("http://www.w3.org/", "").replace("http://purl.org/", "").replace(
        "http://creativecommons.org/", ""
    )


def test_the_command(examples, one_attempt, tmp_path):
    """Of the same shapes as above, so nothing is compiled again."""
    code, out, err = colora("fit", examples / "dense.npz", "--rank", 2, "--out", tmp_path / "out")
    assert code == 0
    assert "N / DoF = 280 / 44" in out
    assert "summary.json" in err
    code, out, _ = colora("fit", examples / "dense.npz", "--rank", 2, "--json")
    assert code == 0
    assert json.loads(out)["kind"] == "dense"
    code, _, err = colora("fit", examples / "dense.npz", "--rank", 7)
    assert code == 2
    assert "rank 7 exceeds" in err
    (tmp_path / "file").touch()
    code, _, err = colora("fit", examples / "dense.npz", "--rank", 2, "--out", tmp_path / "file")
    assert code == 3
    assert "cannot be written" in err


def test_a_fit_that_is_no_optimum(examples, one_attempt, monkeypatch):
    real = ct.fit

    def stalled(problem, rank):
        warnings.warn("STALLED, for a test", ct.ConvergenceWarning, stacklevel=2)
        status = np.asarray(ct.Status.STALLED, np.int32)
        return eqx.tree_at(lambda solution: solution.status, real(problem, rank=rank), status)

    monkeypatch.setattr(ct, "fit", stalled)
    code, out, err = colora("fit", examples / "dense.npz", "--rank", 2)
    assert code == 1
    assert "not converged" in out
    assert "note: STALLED, for a test" in err


def test_examples_are_written_once(tmp_path):
    code, out, _ = colora("example", tmp_path)
    assert code == 0
    *fits, chosen, compared = out.splitlines()
    for line in fits:
        assert line.startswith("colora fit ")
        assert line.endswith(" --rank 2")
    assert chosen.endswith("dense.npz --rank auto")
    assert compared.startswith("colora compare ")
    code, _, err = colora("example", tmp_path)
    assert code == 2
    assert "exists already" in err


@pytest.mark.parametrize("layout", ["csv", "parquet", "folder"])
def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(tmp_path, monkeypatch, layout):
    """Zeros: packed and as text they are small, in double precision 160 kB of each column."""
    size = 20_000
    frame = pd.DataFrame(dict.fromkeys(["user", "row", "col", "value"], np.zeros(size, int)))
    path = tmp_path / f"data.{layout}"
    if layout == "csv":
        frame.to_csv(path, index=False)
        needed = path.stat().st_size
    elif layout == "parquet":
        frame.to_parquet(path)
        needed = 4 * 8 * size
        assert path.stat().st_size < needed / 10
    else:
        path.mkdir()
        for name in ("rows", "cols", "values"):
            np.save(path / f"{name}.npy", np.zeros((1, size), np.int8))
        needed = 3 * 8 * size
    monkeypatch.setattr(own_data, "available_memory", lambda: needed - 1)
    for name in ("read_csv", "read_parquet"):
        monkeypatch.setattr(pd, name, lambda *_, **__: pytest.fail("it was read"))
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was read"))
    told = rf"{path} takes 0\.\d+ GB of memory.* are left\ngive fewer samples"
    with pytest.raises(ConfigError, match=told):
        read_data(path)


@pytest.mark.long
def test_every_example_is_fitted_as_well_as_it_says(examples, tmp_path):
    truth = np.load(examples / "truth.npz")["weights"]
    for name in ("dense.npz", "rank_one.csv", "vector_output.parquet", "entries.npz", "entries.csv", "two_users.npz"):
        fitted = fitting.fit_data(read_data(examples / name), 2)
        accuracy = fitted.accuracy
        error = np.sum((np.asarray(fitted.solution.weights) - truth[: len(accuracy.errors)]) ** 2)
        assert 0.3 < error / np.sum(accuracy.errors**2) < 2.5, name
        assert 0.8 < accuracy.noise.sigma / 0.02 < 1.2, name
    streamed, loaded = (fitting.fit_data(read_data(examples / "dense", each), 2) for each in (True, False))
    np.testing.assert_allclose(streamed.solution.weights, loaded.solution.weights, atol=1e-8)
    with pytest.raises(ColoraError):
        fitting.fit_data(read_data(npz(tmp_path, A=A * 1e300, y=Y * 1e-300)), 2)

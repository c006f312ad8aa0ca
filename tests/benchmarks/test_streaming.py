import functools
import json

import numpy as np
import pytest

import colora_theory as ct
from benchmarks import streaming
from benchmarks.errors import BenchError


def test_what_is_measured(tmp_path, monkeypatch):
    """By a solver that is compiled sooner."""
    monkeypatch.setattr(ct, "fit", functools.partial(ct.fit, solver=ct.solvers.AltGDmin()))
    streaming.draw(tmp_path, 30, "float32", 8)
    found = streaming.measure(tmp_path)
    assert len(found["pass_seconds"]) == len(found["read_seconds"]) == streaming.TURNS
    assert found["ratio_range"][0] <= found["ratio"] <= found["ratio_range"][1]
    assert found["fit_passes"] >= 3
    assert found["relative_error"] < 1e-10
    assert found["peak_bytes"] > found["file_bytes"] > 100 * 30 * 64 * 4


@pytest.mark.long
def test_a_small_file_is_solved_and_removed(tmp_path):
    """In a process of its own, as a large one is."""
    found = streaming.run(0.004, "float64", tmp_path / "data", tmp_path / "out", lambda _: None, side=8)
    assert found["file_bytes"] == pytest.approx(4e6, rel=0.01)
    assert found["relative_error"] < 1e-10
    assert json.loads((tmp_path / "out" / "streaming-float64.json").read_text())["num_samples"] == found["num_samples"]
    assert not list((tmp_path / "data").iterdir())
    assert "of reading the file" in streaming.told(found)


def test_what_is_drawn(tmp_path):
    streaming.draw(tmp_path, 5, "float32", 6)
    matrices, weights = np.load(tmp_path / "A.npy"), np.load(tmp_path / "truth.npy")
    assert (matrices.shape, matrices.dtype) == ((streaming.NUM_USERS, 5, 6, 6), np.float32)
    measured = np.einsum("knab,kab->kn", matrices.astype(float), weights)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), measured, atol=1e-12)


def test_too_small_and_too_large(tmp_path):
    with pytest.raises(BenchError, match="samples of a user: at least 8"):
        streaming.run(1e-3, "float64", tmp_path, tmp_path, print)
    with pytest.raises(BenchError, match="GB left"):
        streaming.run(1e6, "float64", tmp_path, tmp_path, print)

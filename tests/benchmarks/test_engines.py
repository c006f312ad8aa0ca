import subprocess

import pytest

from benchmarks import engines
from benchmarks.errors import BenchError


def test_the_ratio_is_told_with_its_interval():
    assert engines.told([(10.0, 10.2), (20.0, 20.8)]).endswith("ratio 1.030 +- 0.127")


def test_a_run_that_fails_is_told_with_its_last_words(tmp_path, monkeypatch):
    def run(command, **_):
        told = "640 cells computed, 0 found finished, 12.5 s; CONVERGED 640"
        return subprocess.CompletedProcess(command, int("--dask" in command), "", told)

    monkeypatch.setattr(subprocess, "run", run)
    assert engines._seconds(tmp_path / "carried.toml", tmp_path, [0]) == 12.5
    with pytest.raises(BenchError, match="a run failed: 640 cells"):
        engines._seconds(tmp_path / "carried.toml", tmp_path, [0], "--dask", "tcp://127.0.0.1:1")

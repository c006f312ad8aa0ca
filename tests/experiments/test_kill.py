"""A real process, stopped by real signals."""

import signal
import time

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.experiments.processes import start_sweep, write_sweep

NUM_SEEDS = 192
NUM_CHUNKS = NUM_SEEDS // 32


@pytest.fixture
def file(tmp_path):
    return write_sweep(tmp_path / "long.toml", NUM_SEEDS)


def finish(file, results):
    process = start_sweep(file, results)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return err


def stop_midway(file, results, sign):
    """Send `sign` as soon as three chunks are stored; return the process's code and last words."""
    process = start_sweep(file, results)
    chunks = results / "long" / "custom" / "chunks"
    deadline = time.monotonic() + 120
    while len(list(chunks.glob("*.parquet"))) < 3 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(sign)
    _, err = process.communicate(timeout=60)
    stored = len(list(chunks.glob("*.parquet")))
    assert 3 <= stored < NUM_CHUNKS
    assert not (results / "long" / "custom.parquet").exists()
    return process.returncode, err, stored


def numbers(results):
    return pd.read_parquet(results / "long" / "custom.parquet").drop(columns=["seconds", "seconds_per_step"])


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    finish(write_sweep(folder / "long.toml", NUM_SEEDS), folder)
    return numbers(folder)


def test_a_killed_sweep_goes_on_and_ends_equal_bit_for_bit(file, tmp_path, uninterrupted):
    code, _, stored = stop_midway(file, tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    err = finish(file, tmp_path)
    assert f"{(NUM_CHUNKS - stored) * 32} cells computed, {stored * 32} found finished" in err
    pd.testing.assert_frame_equal(numbers(tmp_path), uninterrupted, check_exact=True)
    leftovers = [
        path for path in tmp_path.rglob("*") if path.is_file() and path.suffix not in (".parquet", ".json", ".toml")
    ]
    assert leftovers == []
    assert b'"dtype": "float64"' in pq.read_schema(tmp_path / "long" / "custom.parquet").metadata[b"colora_theory"]


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(file, tmp_path, uninterrupted):
    code, err, stored = stop_midway(file, tmp_path, signal.SIGINT)
    assert code == 130
    assert "interrupted" in err
    assert f"sweep {file} --results {tmp_path}" in err
    assert "Traceback" not in err
    assert f"{stored * 32} found finished" in finish(file, tmp_path)
    pd.testing.assert_frame_equal(numbers(tmp_path), uninterrupted, check_exact=True)

import numpy as np
import pytest

from benchmarks import growth
from benchmarks.errors import BenchError
from benchmarks.growth import AXES, exponent


def test_the_exponent_of_a_power_is_found_with_its_interval():
    sizes = np.array([1.0, 2.0, 4.0])
    rng = np.random.default_rng(0)
    exact = np.tile(3 * sizes**1.5, (9, 1))
    assert exponent(sizes, exact) == pytest.approx((1.5, 1.5, 1.5))
    # A machine that is slow in some turns is slow for all sizes.
    assert exponent(sizes, exact * rng.uniform(1, 3, (9, 1))) == pytest.approx((1.5, 1.5, 1.5))
    value, low, high = exponent(sizes, exact * rng.uniform(0.9, 1.1, exact.shape))
    assert low < 1.5 < high
    assert high - low < 0.2
    assert low < value < high


def test_one_size_grows_at_a_time_above_a_hundred_megabytes():
    for name, (_, of, sizes) in AXES.items():
        values = [of(size) for size in sizes]
        assert values == sorted(set(values))
        assert min(size.data_bytes for size in sizes) > 100e6
        assert max(size.data_bytes for size in sizes) < 2.1e9
        if name != "rank":
            assert len({size.data_bytes / value for size, value in zip(sizes, values, strict=True)}) == 1


def test_an_axis_is_measured_in_a_process_of_its_own(tmp_path, monkeypatch):
    asked = []
    told = '{"axis": "k", "sizes": [1, 2], "turns": 1, "VariableProjection": %s, "AlternatingMinimization": %s}'
    of = '{"seconds": [0.1, 0.2], "time_exponent": [1.0, 0.9, 1.1], "memory_exponent": 1.0}'

    def run_module(module, axis, *, cache):
        asked.append(axis)
        return type("Process", (), {"returncode": int(axis == "rank"), "stdout": told % (of, of), "stderr": "no"})

    monkeypatch.setattr(growth.driver, "run_module", run_module)
    lines = []
    growth.run(["samples", "users"], tmp_path, lines.append)
    assert asked == ["users", "samples"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["growth-samples.json", "growth-users.json"]
    assert "100, 200 ms a step, exponent 1.00 [0.90, 1.10]" in lines[0]
    with pytest.raises(BenchError, match="growth in rank failed: no"):
        growth.run(["rank"], tmp_path, lines.append)
    with pytest.raises(BenchError, match="unknown axis 'k'"):
        growth.run(["k"], tmp_path, lines.append)

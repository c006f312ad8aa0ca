from benchmarks import neighbours
from benchmarks.neighbours import Neighbours


def test_cores_are_seconds_of_others_per_second(monkeypatch):
    monkeypatch.setattr(neighbours, "_seconds_of_others", iter([10.0, 12.0]).__next__)
    monkeypatch.setattr(neighbours.time, "monotonic", iter([100.0, 104.0]).__next__)
    assert Neighbours().cores() == 0.5


def test_a_system_that_does_not_tell_gives_no_number(monkeypatch):
    monkeypatch.setattr(neighbours, "_seconds_of_others", lambda: None)
    assert Neighbours().cores() is None


def test_own_work_is_not_that_of_others():
    watch = Neighbours()
    sum(range(3_000_000))
    cores = watch.cores()
    assert cores is None or cores >= 0.0

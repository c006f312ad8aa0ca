import io

import pytest
from rich.console import Console

from colora_theory.experiments import progress


def follow(console, calls):
    with progress.reporter(console) as reporter:
        reporter.begin("work", total=10)
        for cells, computed in calls:
            reporter.advance(cells, failing=cells // 2, computed=computed)
        reporter.note("a word [with] brackets")


@pytest.fixture
def clock(monkeypatch):
    """Every look at the clock is one second later."""
    ticks = iter(range(10_000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(ticks)))


def test_lines_come_every_ten_seconds_and_at_the_end(clock):
    console = Console(file=io.StringIO())
    follow(console, [(0, True)] * 25 + [(5, False), (5, True)])
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "work: 10 cells"
    assert len([line for line in lines if ": 0/10" in line]) == 2
    assert lines[-2] == "work: 10/10 cells, 4 failing, 0.2 cells/s, 0 s left"
    assert lines[-1] == "a word [with] brackets"


def test_a_terminal_gets_a_bar(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    follow(console, [(4, False), (6, True)])
    shown = console.file.getvalue()
    assert "10/10" in shown
    assert "5 failing" in shown
    assert "a word [with] brackets" in shown


def test_no_color_is_respected(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    follow(console, [(10, True)])
    assert "\x1b[3" not in console.file.getvalue()

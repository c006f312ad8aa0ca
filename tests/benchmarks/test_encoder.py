import numpy as np

from benchmarks.encoder import told


def test_the_ratio_is_that_of_turns():
    """A machine that is slow for half of the time is slow for both."""
    theirs = np.where(np.arange(20) < 10, 0.1, 0.4)
    row = told((256, 8, 12), np.column_stack([theirs / 2, theirs]), 3e-7)
    assert row == "| 256 of 8 to 12 | 125 | 250 | 0.50 [0.50, 0.50] | 3.0e-07 |"
    spread = np.linspace(0.9, 1.1, 41)
    assert "1.00 [0.97, 1.04]" in told((1, 1, 1), np.column_stack([spread, np.ones(41)]), 0.0)

"""Success rates with intervals, and where half of the runs succeed: for the claims and for the figures."""

import numpy as np
import pandas as pd

SUCCESS = 1e-6  # largest relative error of a run that recovered the truth
_NORMAL_975 = 1.959963984540054


def wilson(successes: np.ndarray, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95% interval of a success rate: honest at 0 and 1, and for few runs."""
    z2 = _NORMAL_975**2
    rate = successes / runs
    centre = (rate + z2 / (2 * runs)) / (1 + z2 / runs)
    half = _NORMAL_975 / (1 + z2 / runs) * np.sqrt(rate * (1 - rate) / runs + z2 / (4 * runs**2))
    # Rounding must not carry the ends past the rate: error bars are differences.
    return np.clip(centre - half, 0, rate), np.clip(centre + half, rate, 1)


def success_rates(rows: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Columns rate, low, high (Wilson 95%) and runs at every value of `axis`; a run without an error value failed."""
    succeeded = (rows["relative_error"] < SUCCESS).groupby(rows[axis])
    successes, runs = succeeded.sum(), succeeded.size()
    low, high = wilson(successes.to_numpy(float), runs.to_numpy(float))
    return pd.DataFrame({"rate": successes / runs, "low": low, "high": high, "runs": runs})


def crossing(x: np.ndarray, y: np.ndarray, level: float) -> float:
    """Where y first reaches `level` from below, linearly between the points; NaN if it starts above or never does."""
    above = np.flatnonzero(np.asarray(y) >= level)
    if not above.size or above[0] == 0:
        return float("nan")
    right = above[0]
    left = right - 1
    return float(x[left] + (level - y[left]) / (y[right] - y[left]) * (x[right] - x[left]))


def half_point(rates: pd.DataFrame) -> tuple[float, float, float]:
    """Where half of the runs succeed, and where the upper and the lower ends of the intervals say so.

    The rates are made monotone (isotonic regression) and interpolated linearly over the logarithm of the axis. NaN
    where the grid does not reach.
    """
    from scipy.optimize import isotonic_regression  # here, since a wrong name of a claim is to be answered at once

    where = np.log(rates.index.to_numpy(float))
    weights = rates["runs"].to_numpy(float)
    points = (
        crossing(where, isotonic_regression(rates[column].to_numpy(float), weights=weights).x, 0.5)
        for column in ("rate", "high", "low")
    )
    middle, first, last = np.exp(list(points))
    return float(middle), float(first), float(last)

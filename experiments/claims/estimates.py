"""Estimates with 95% intervals: pure functions from columns of a table to `Evidence`."""

import statistics

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.evidence import Evidence, NoDataError
from colora_theory.experiments.claims.rates import wilson

# What tells the drawn instances of a table apart; those of one model and those of the family have some of it each.
DRAWN = [
    "num_users",
    "num_rows",
    "num_cols",
    "rank_left",
    "rank_right",
    "similarity",
    "misalignment",
    "condition_number",
    "num_samples",
    "noise",
    "design",
    "noise_kind",
    "seed",
    "truth",
    "level",
]
_SHAPE = ["num_rows", "num_cols", "rank_left", "rank_right"]
_RESAMPLES = 2000
_TWO_SIDED = statistics.NormalDist().inv_cdf(0.975)


def need(count: int, least: int) -> int:
    """The count itself, if it is large enough to judge by.

    Raises:
        NoDataError: If it is below `least`.
    """
    if count < least:
        raise NoDataError(f"{count} rows to judge by, at least {least} are needed")
    return count


def share(successes: pd.Series, least: int, detail: str = "") -> Evidence:
    """The share of true values, with Wilson's interval.

    Raises:
        NoDataError: If there are fewer than `least` values.
    """
    count = need(successes.size, least)
    low, high = wilson(np.array([float(successes.sum())]), np.array([float(count)]))
    return Evidence(float(successes.mean()), float(low[0]), float(high[0]), count, detail)


def share_of_all(successes: pd.Series, least: int, detail: str = "") -> Evidence:
    """The share of true values, without an interval: for claims about every single row.

    Raises:
        NoDataError: If there are fewer than `least` values.
    """
    count = need(successes.size, least)
    value = float(successes.mean())
    return Evidence(value, value, value, count, detail)


def difference(more: pd.Series, fewer: pd.Series, least: int, detail: str = "") -> Evidence:
    """How much larger one share of true values is than another, with Newcombe's interval.

    Raises:
        NoDataError: If either has fewer than `least` values.
    """
    above, below = share(more, least), share(fewer, least)
    value = above.value - below.value
    low = value - np.hypot(above.value - above.low, below.high - below.value)
    high = value + np.hypot(above.high - above.value, below.value - below.low)
    return Evidence(value, float(low), float(high), above.count + below.count, detail)


def mean(values: pd.Series, least: int, detail: str = "") -> Evidence:
    """The mean, with two standard errors to either side.

    Raises:
        NoDataError: If there are fewer than `least` values.
    """
    count = need(values.size, max(2, least))
    value, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(count)
    return Evidence(value, value - 2 * error, value + 2 * error, count, detail)


def median(values: pd.Series, least: int, detail: str = "") -> Evidence:
    """The median, with the percentiles of its bootstrap (seed 0); infinite values are allowed.

    Raises:
        NoDataError: If there are fewer than `least` values.
    """
    count = need(values.size, least)
    low, high = _percentiles(_resampled_medians(values))
    return Evidence(float(values.median()), low, high, count, detail)


def quotient_of_medians(above: pd.Series, below: pd.Series, least: int, shift: float = 0.0) -> Evidence:
    """Quotient of two medians, each less `shift`, with the percentiles of its bootstrap (seed 0).

    Raises:
        NoDataError: If either has fewer than `least` values.
    """
    count = need(above.size, least) + need(below.size, least)
    # Seeds of their own, as the two samples are independent.
    low, high = _percentiles((_resampled_medians(above) - shift) / (_resampled_medians(below, 1) - shift))
    return Evidence(float((above.median() - shift) / (below.median() - shift)), low, high, count)


def slope(x: pd.Series, y: pd.Series, least: int, detail: str = "") -> Evidence:
    """The slope of log y over log x by least squares, with its normal interval.

    Raises:
        NoDataError: If there are fewer than `least` points, or all have one x.
    """
    count = need(x.size, max(3, least))
    if x.nunique() < 2:
        raise NoDataError("a slope needs two values of the axis, the table has one")
    from scipy import stats  # here, since a wrong name of a claim is to be answered at once

    line = stats.linregress(np.log(x), np.log(y))
    half = _TWO_SIDED * line.stderr
    return Evidence(float(line.slope), float(line.slope - half), float(line.slope + half), count, detail)


def paired(rows: pd.DataFrame, above: str, below: str, column: str = "mean_squared_error") -> pd.DataFrame:
    """The quotient of a column under two methods, instance by instance: the axes of the draws and `quotient`.

    A run that left no number counts as an infinite error; instances where both did are left out.
    """
    drawn = [name for name in DRAWN if name in rows]
    filled = rows.assign(**{column: rows[column].fillna(np.inf)})
    top, bottom = (filled.loc[filled["method"] == method, [*drawn, column]] for method in (above, below))
    both = top.merge(bottom, on=drawn, suffixes=("", "_below"), validate="one_to_one")
    with np.errstate(invalid="ignore"):
        quotient = both[column] / both[f"{column}_below"]
    return both[drawn].assign(quotient=quotient).dropna(subset="quotient")


def main_shape(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the shape (d1, d2, r1, r2) that has most of them."""
    if rows.empty:
        return rows
    return rows[(rows[_SHAPE] == list(rows[_SHAPE].value_counts().index[0])).all(axis=1)]


def widest(rows: pd.DataFrame, fixed: str, axis: str) -> pd.DataFrame:
    """The rows with the one value of `fixed` that has most values of `axis`, the largest of several."""
    if rows.empty:
        return rows
    counts = rows.groupby(fixed)[axis].nunique()
    return rows[rows[fixed] == counts[counts == counts.max()].index.max()]


def ends(rows: pd.DataFrame, axis: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows at the smallest and at the largest value of an axis.

    Raises:
        NoDataError: If there are not two values.
    """
    if rows[axis].nunique() < 2:
        raise NoDataError(f"{rows[axis].nunique()} values of {axis}, at least 2 are needed")
    return rows[rows[axis] == rows[axis].min()], rows[rows[axis] == rows[axis].max()]


def _resampled_medians(values: pd.Series, seed: int = 0) -> np.ndarray:
    """Medians of resamples, shape (_RESAMPLES,)."""
    draws = np.random.default_rng(seed).choice(values.to_numpy(float), (_RESAMPLES, values.size))
    return np.asarray(np.median(draws, axis=1))


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    # An order statistic, so that infinite values stay what they are.
    low, high = np.quantile(values, [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)

"""What is shown of many runs: success rates with intervals, medians with bands, counts of runs and failures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.rates import SUCCESS, crossing, half_point, success_rates, wilson

__all__ = [
    "BAND",
    "QUANTILES",
    "SUCCESS",
    "bands",
    "break_even",
    "crossing",
    "failures",
    "half_point",
    "mean_and_error",
    "runs_per_point",
    "success_rates",
    "widest",
    "wilson",
]

QUANTILES = (0.1, 0.9)
BAND = "10 to 90% of the runs"


def bands(rows: pd.DataFrame, axis: str, column: str) -> pd.DataFrame:
    """Columns low, median, high of `column` at every value of `axis` with a finite median."""
    # A run that left no number is worse than any that did; dropping it would flatter the rest.
    values = rows[column].fillna(np.inf).groupby(rows[axis])
    with np.errstate(invalid="ignore"):
        band = pd.DataFrame(
            {"low": values.quantile(QUANTILES[0]), "median": values.median(), "high": values.quantile(QUANTILES[1])}
        )
    # Where half of the runs left no number there is nothing to draw.
    return band.replace(np.inf, np.nan).dropna(subset="median")


def break_even(first: "pd.Series[float]", other: "pd.Series[float]") -> float:
    """Where the first of two positive curves over a common axis begins to exceed the other; NaN as for `crossing`."""
    excess = (first / other).dropna()
    return crossing(excess.index.to_numpy(float), np.log(excess.to_numpy(float)), 0.0)


def mean_and_error(values: "pd.Series[float]") -> tuple[float, float]:
    """The mean of the finite values and its standard error, NaN for fewer than two."""
    there = values.to_numpy(float)
    finite = there[np.isfinite(there)]
    if not finite.size:
        return float("nan"), float("nan")
    error = np.std(finite, ddof=1) / np.sqrt(finite.size) if finite.size > 1 else np.nan
    return float(np.mean(finite)), float(error)


def widest(rows: pd.DataFrame, fixed: str, axis: str) -> int:
    """The value of `fixed` with the most values of `axis`, the largest of several."""
    counts = rows.groupby(fixed)[axis].nunique()
    return int(counts[counts == counts.max()].index.to_numpy(int).max())


def failures(rows: pd.DataFrame, by: str = "method") -> str:
    """How many runs did not converge, as a clause for a caption."""
    failed = (rows["status_name"] != "CONVERGED").groupby(rows[by], sort=False)
    counts = (f"{str(name).replace('_', ' ')} {group.sum()} of {group.size}" for name, group in failed)
    return f"Runs that did not end as CONVERGED: {', '.join(counts)}."


def runs_per_point(rows: pd.DataFrame, axes: Sequence[str]) -> str:
    """How many runs stand behind one point, as a noun for a caption."""
    sizes = rows.groupby(list(axes), dropna=False).size()
    if sizes.empty:
        return "no runs"
    span = f"{sizes.min()}" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()}"
    return f"{span} run{'s' if sizes.max() > 1 else ''}"

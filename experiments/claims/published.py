"""Numbers that others have published, on draws like theirs (see experiments/published.py)."""

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import mean, median, need
from colora_theory.experiments.claims.evidence import Evidence, Inside, NoDataError

# A published mean is itself known to about so much.
TOLERANCE = 0.03
ROUNDS = 100
# Rounding of results that are equal, in units of a sine.
_EQUAL = 1e-6
_POINT = ["num_users", "num_samples"]


def against_published(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Mean of a column, its standard error, the published mean and the runs, by method and point.

    Only where something was published and there are two runs or more.
    """
    rows = table[table["published"].notna()]
    points = rows.groupby(["method", *_POINT]).agg(
        ours=(column, "mean"), error=(column, "sem"), published=("published", "first"), runs=(column, "size")
    )
    return points[points["runs"] > 1].reset_index()


def _difference(table: pd.DataFrame, method: str) -> Evidence:
    """The largest difference from the published means over all points that two standard errors of ours leave."""
    points = against_published(table[table["method"] == method], "sine_left")
    count = need(int(points["runs"].sum()), 10)
    apart = (points["ours"] - points["published"]).abs()
    points = points.assign(apart=apart, sure=(apart - 2 * points["error"]).clip(lower=0))
    worst, value = points.iloc[int(points["apart"].argmax())], float(points["sure"].max())
    detail = (
        f"{len(points)} points; means differ most at k = {int(worst['num_users'])}, n = {int(worst['num_samples'])}: "
        f"{worst['ours']:.3f}, published {worst['published']:.3g}"
    )
    return Evidence(value, value, value, count, detail)


def _method_of_moments(table: pd.DataFrame) -> Evidence:
    return _difference(table, "method_of_moments")


def _first_order(table: pd.DataFrame) -> Evidence:
    return _difference(table, "first_order")


def _ours(table: pd.DataFrame) -> Evidence:
    """The largest excess over the first-order estimator at a point, in standard errors of the latter's mean."""
    sines = table.pivot_table("sine_left", [*_POINT, "seed"], "method")
    if not {"first_order", "scaled_lbfgs"} <= set(sines.columns):
        raise NoDataError("the table has no rows of both estimators")
    both = sines[["first_order", "scaled_lbfgs"]].dropna().groupby(level=_POINT)
    means, errors = both.mean(), both["first_order"].sem()
    count = need(int(both.size().sum()), 10)
    excess: pd.Series[float] = (means["scaled_lbfgs"] - means["first_order"]) / np.maximum(errors, _EQUAL)
    value = float(excess.max())
    return Evidence(value, value, value, count, f"{len(means)} points, the smallest {excess.min():.3g}")


def _after_all_rounds(table: pd.DataFrame, method: str) -> "pd.Series[float]":
    rows = table[(table["method"] == method) & (table["max_steps"] == ROUNDS)]
    return rows["sine_left"].pow(2)


def _fedrep(table: pd.DataFrame) -> Evidence:
    squares = _after_all_rounds(table, "fedrep")
    return median(squares, 10, f"{(squares < 1e-6).sum()} runs below 1e-6, largest {squares.max():.2g}")


def _fed_sgd(table: pd.DataFrame) -> Evidence:
    squares = _after_all_rounds(table, "fed_sgd")
    return median(squares, 10, f"{(squares > 0.9).sum()} runs above 0.9, smallest {squares.min():.3g}")


def _factored(table: pd.DataFrame) -> Evidence:
    errors = table[["method", "relative_error"]]
    others = ", ".join(
        f"{name} {errors.loc[errors['method'] == name, 'relative_error'].mean():.3f}"
        for name in ("alone", "pooled", "oracle")
    )
    return mean(errors.loc[errors["method"] == "first_order", "relative_error"], 10, others)


CLAIMS = (
    Claim(
        name="published_method_of_moments",
        statement="The method of moments has the errors that Tripuraneni, Jin and Jordan publish.",
        source=Source.PUBLISHED,
        sweep="published_tripuraneni",
        prediction=f"difference of mean sines, less two standard errors of ours: at most {TOLERANCE} at every point",
        columns=("sine_left", "published"),
        statistic=_method_of_moments,
        rule=Inside(high=TOLERANCE),
    ),
    Claim(
        name="published_first_order",
        statement="The first-order estimator has the errors that Tripuraneni, Jin and Jordan publish.",
        source=Source.PUBLISHED,
        sweep="published_tripuraneni",
        prediction=f"difference of mean sines, less two standard errors of ours: at most {TOLERANCE} at every point",
        columns=("sine_left", "published"),
        statistic=_first_order,
        rule=Inside(high=TOLERANCE),
    ),
    Claim(
        name="never_worse_than_first_order",
        statement="Scaled L-BFGS from the stacked start is never worse than the first-order estimator.",
        source=Source.OURS,
        sweep="published_tripuraneni",
        prediction="mean sine less that of the first-order estimator: at most one standard error at every point",
        columns=("sine_left",),
        statistic=_ours,
        rule=Inside(high=1.0),
    ),
    Claim(
        name="published_fedrep",
        statement="FedRep finds the shared directions within a hundred rounds from a random start.",
        source=Source.PUBLISHED,
        sweep="published_fedrep",
        prediction="median of the squared sines after 100 rounds: below 1e-6",
        columns=("sine_left", "max_steps"),
        statistic=_fedrep,
        rule=Inside(high=1e-6),
    ),
    Claim(
        name="published_fed_sgd",
        statement="Averaged gradient descent on one model does not find them.",
        source=Source.PUBLISHED,
        sweep="published_fedrep",
        prediction="median of the squared sines after 100 rounds: above 0.9",
        columns=("sine_left", "max_steps"),
        statistic=_fed_sgd,
        rule=Inside(low=0.9),
    ),
    Claim(
        name="published_factored_fit",
        statement="The factored fit has the error that the code of Tian, Gu and Feng gives.",
        source=Source.PUBLISHED,
        sweep="published_tian",
        prediction="mean relative error between 0.12 and 0.14",
        columns=("relative_error",),
        statistic=_factored,
        rule=Inside(0.12, 0.14),
    ),
)

"""What docs/family.md says of users unlike the rest."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import mean, median, paired
from colora_theory.experiments.claims.evidence import Evidence, Inside

_LEAST = 10
# The largest fraction that is claimed to be found.
MOST = 0.3


def _cost(table: pd.DataFrame, method: str) -> "pd.Series[float]":
    some = table[(table["level"] > 0) & (table["level"] <= MOST)]
    return paired(some, method, "outliers_known")["quotient"]


def _found(table: pd.DataFrame) -> Evidence:
    return mean(_cost(table, "outliers_found"), least=_LEAST)


def _ignored(table: pd.DataFrame) -> Evidence:
    return median(_cost(table, "outliers_ignored"), least=_LEAST)


CLAIMS = (
    Claim(
        name="outliers_are_found",
        statement="With up to 30% of users unlike the rest, the others are fitted as if these were absent.",
        source=Source.OURS,
        sweep="outliers",
        prediction="mean of squared error over that of the fit that knows them: at most 1.2",
        columns=("level", "mean_squared_error"),
        statistic=_found,
        rule=Inside(high=1.2),
    ),
    Claim(
        name="outliers_spoil_least_squares",
        statement="Least squares over all users lets a tenth to 30% of them spoil the fit of the others.",
        source=Source.OURS,
        sweep="outliers",
        prediction="median of squared error over that of the fit that knows them: at least 3",
        columns=("level", "mean_squared_error"),
        statistic=_ignored,
        rule=Inside(low=3.0),
    ),
)

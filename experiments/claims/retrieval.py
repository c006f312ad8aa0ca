"""What docs/family.md says of a new user and the users most similar to it."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import median, paired
from colora_theory.experiments.claims.evidence import Evidence, Inside

_LEAST = 10
# Parts of the variance within groups: tight groups, and no groups at all.
_TIGHT, _UNRELATED = 0.02, 1.0


def _quotients(table: pd.DataFrame, level: float, least: int, most: float) -> Evidence:
    some = table[(table["level"] == level) & table["num_samples"].between(least, most)]
    return median(paired(some, "retrieved_by_residuals", "core_fitted")["quotient"], least=_LEAST)


def _in_groups(table: pd.DataFrame) -> Evidence:
    return _quotients(table, _TIGHT, 8, 16)


def _without_groups(table: pd.DataFrame) -> Evidence:
    return _quotients(table, _UNRELATED, 16, float("inf"))


CLAIMS = (
    Claim(
        name="similar_users_serve_a_new_one",
        statement="In groups of users the mean core of the most similar ones errs less than one fitted to few data.",
        source=Source.OURS,
        sweep="retrieval",
        prediction="1/50 of the variance within groups, 8 to 16 samples: median squared error over the fitted one's: "
        "at most .5",
        columns=("method", "mean_squared_error", "level"),
        statistic=_in_groups,
        rule=Inside(high=0.5),
    ),
    Claim(
        name="unrelated_users_do_not_serve_a_new_one",
        statement="Where cores are unrelated a fitted core errs less than a retrieved one once it is determined well.",
        source=Source.OURS,
        sweep="retrieval",
        prediction="no groups, at least 16 samples: median squared error over the fitted one's: at least 1.5",
        columns=("method", "mean_squared_error", "level"),
        statistic=_without_groups,
        rule=Inside(low=1.5),
    ),
)

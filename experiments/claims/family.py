"""What docs/family.md says of structures that are fitted to each other's truths."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import mean, median
from colora_theory.experiments.claims.evidence import Evidence, Inside

_LEAST = 10
# Structures that hold a truth which is a regular point of theirs: to the first order only the count matters.
HELD = (
    ("diagonal_cores", "shared_both"),
    ("scalar_cores", "shared_both"),
    ("smooth", "shared_both"),
    ("pooled", "shared_both"),
    ("pooled", "scalar_cores"),
    ("shared_both", "shared_right"),
    ("shared_both", "shared_left"),
)
_GUESSING = {"mixture"}


def over_bound(rows: pd.DataFrame) -> "pd.Series[float]":
    """Squared error over the Cramer-Rao bound of the true structure."""
    return rows["mean_squared_error"] / rows["bound"]


def expected_cost(rows: pd.DataFrame) -> "pd.Series[float]":
    """What counting expects of a structure that holds the truth: squared error over the bound of the truth.

    With N standard normal measurements p unknowns cost sigma^2 p / (N - p - 1); the bound is that of the drawn data.
    """
    measurements = rows["num_users"] * rows["num_samples"]
    larger = rows["unknowns"] / (measurements - rows["unknowns"] - 1)
    return larger / (rows["degrees_of_freedom"] / (measurements - rows["degrees_of_freedom"] - 1))


def _own(table: pd.DataFrame, *, guessing: bool) -> Evidence:
    rows = table[(table["truth"] == table["method"]) & (table["truth"].isin(_GUESSING) == guessing)]
    ratios = over_bound(rows)
    by_truth = ratios.groupby(rows["truth"]).mean()
    worst = "" if by_truth.empty else f"{by_truth.idxmax()} has the largest mean, {by_truth.max():.3g}"
    return mean(ratios, least=_LEAST, detail=worst)


def _held(table: pd.DataFrame) -> Evidence:
    pairs = pd.MultiIndex.from_tuples(HELD)
    rows = table[pd.MultiIndex.from_frame(table[["truth", "method"]]).isin(pairs)]
    ratios = over_bound(rows) / expected_cost(rows)
    by_pair = ratios.groupby([rows["truth"], rows["method"]]).mean()
    span = "" if by_pair.empty else f"{by_pair.min():.3g} to {by_pair.max():.3g} by pair"
    return mean(ratios, least=_LEAST, detail=span)


def _smaller(table: pd.DataFrame) -> Evidence:
    rows = table[table["unknowns"] < table["degrees_of_freedom"]]
    return median(over_bound(rows).groupby([rows["truth"], rows["seed"]]).min(), least=_LEAST)


def _terms(table: pd.DataFrame) -> Evidence:
    ratios = over_bound(table) / expected_cost(table)
    return mean(ratios, least=_LEAST)


def _unseen(table: pd.DataFrame) -> Evidence:
    rows = table[table["method"] == "smooth_between"]
    return mean(rows["unseen_error"] / rows["mean_squared_error"], least=_LEAST)


CLAIMS = (
    Claim(
        name="smooth_cores_cost_their_terms",
        statement="Polynomial cores cost r1 r2 unknowns for each term, personal ones for each user.",
        source=Source.OURS,
        sweep="smooth_cores",
        prediction="mean of squared error over p / (N - p - 1), in units of the truth's, of both: within 20% of 1",
        columns=("mean_squared_error", "bound", "unknowns", "degrees_of_freedom"),
        statistic=_terms,
        rule=Inside(low=0.8, high=1.2),
    ),
    Claim(
        name="unseen_parameters_are_predicted",
        statement="With polynomial cores, users of whom there is no sample are predicted as well as the others.",
        source=Source.OURS,
        sweep="smooth_cores",
        prediction="mean of the squared error between the users over that at the users: at most 2",
        columns=("unseen_error", "mean_squared_error"),
        statistic=_unseen,
        rule=Inside(high=2.0),
    ),
    Claim(
        name="structures_reach_their_bounds",
        statement="Fitted to a truth of its own, a structure reaches the Cramer-Rao bound.",
        source=Source.OURS,
        sweep="cross_fit",
        prediction="mean of squared error over the bound, all structures but the mixture: at most 1.1",
        columns=("truth", "mean_squared_error", "bound"),
        statistic=lambda table: _own(table, guessing=False),
        rule=Inside(high=1.1),
    ),
    Claim(
        name="mixtures_come_near_their_bound",
        statement="Fitted to a truth of its own, a mixture comes near the Cramer-Rao bound, several starts given.",
        source=Source.OURS,
        sweep="cross_fit",
        prediction="mean of squared error over the bound: at most 1.3",
        columns=("truth", "mean_squared_error", "bound"),
        statistic=lambda table: _own(table, guessing=True),
        rule=Inside(high=1.3),
    ),
    Claim(
        name="larger_structures_cost_their_count",
        statement="A larger structure that holds the truth at a regular point costs what its unknowns cost.",
        source=Source.OURS,
        sweep="cross_fit",
        prediction="mean of squared error over p / (N - p - 1), in units of the truth's: within 20% of 1",
        columns=("truth", "mean_squared_error", "bound", "unknowns", "degrees_of_freedom"),
        statistic=_held,
        rule=Inside(low=0.8, high=1.2),
    ),
    Claim(
        name="smaller_structures_err_by_their_bias",
        statement="With little noise, structures of fewer unknowns than the truth are far from the bound.",
        source=Source.OURS,
        sweep="cross_fit",
        prediction="noise .1 of the signal: median of the least error of all smaller ones over the bound: at least 10",
        columns=("truth", "mean_squared_error", "bound", "unknowns", "degrees_of_freedom"),
        statistic=_smaller,
        rule=Inside(low=10.0),
    ),
)

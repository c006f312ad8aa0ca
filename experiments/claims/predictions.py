"""Formulas of docs/theory.md beside what is measured: rates, isometry, starts, noise, newcomers, misalignment."""

import math

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import (
    ends,
    mean,
    median,
    need,
    paired,
    quotient_of_medians,
    share_of_all,
    slope,
    widest,
)
from colora_theory.experiments.claims.evidence import Attains, Evidence, Inside, NoDataError
from colora_theory.experiments.claims.rates import crossing

# The constant of single users is the largest over the first four: with fewer there is less to choose from.
_SINGLE_USERS = 4
_RATE_TOLERANCE = 0.05
_POINT = ["num_users", "num_rows", "num_cols", "num_samples", "similarity", "noise", "start"]


def _rate(table: pd.DataFrame) -> Evidence:
    quotients = (table["long_run_contraction"] / table["contraction_factor"]).dropna()
    deviations = (quotients - 1).abs()
    count = need(deviations.size, 3)
    worst = float(deviations.max())
    return Evidence(worst, worst, worst, count, f"mean of measured over computed {quotients.mean():.4f}")


def _rate_law(table: pd.DataFrame) -> Evidence:
    quotients = (table["contraction_law"] / table["contraction_factor"]).dropna()
    return mean((quotients - 1).abs(), 10, f"mean of law over exact {quotients.mean():.3f}")


def _tangent_isometry(table: pd.DataFrame) -> Evidence:
    rows = widest(table[table["isometry_constant"].notna()], "num_users", "num_samples")
    return slope(rows["num_samples"], rows["isometry_constant"], least=10)


def _uniform_isometry(table: pd.DataFrame) -> Evidence:
    """The constant of single users at the most users over that at the fewest."""
    rows = table[table["single_isometry"].notna() & (table["num_users"] >= _SINGLE_USERS)]
    few, many = ends(widest(rows, "num_samples", "num_users"), "num_users")
    return quotient_of_medians(many["single_isometry"], few["single_isometry"], least=4)


def _start_overlap(table: pd.DataFrame) -> Evidence:
    """The largest difference, over the points, of the mean overlap of both sides and its mean prediction."""
    rows = table[table["predicted_overlap_left"].notna()]
    predicted = (rows["predicted_overlap_left"] + rows["predicted_overlap_right"]) / 2
    errors = rows.assign(predicted=predicted, error=(rows["overlap_left"] + rows["overlap_right"]) / 2 - predicted)
    points = errors.groupby(_POINT).agg(
        predicted=("predicted", "mean"),
        difference=("error", "mean"),
        spread=("error", "sem"),
        runs=("error", "size"),
    )
    points = points[(points["predicted"] > 0.3) & (points["runs"] > 1)]
    count = need(int(points["runs"].sum()), 4)
    worst = points.iloc[int(points["difference"].abs().argmax())]
    value, half = abs(float(worst["difference"])), 2 * float(worst["spread"])
    return Evidence(value, max(0.0, value - half), value + half, count, f"{len(points)} points")


def _efficiency(table: pd.DataFrame) -> Evidence:
    rows = table[(table["method"] == "variable_projection") & (table["oversampling"] >= 4)]
    return mean((rows["mean_squared_error"] / rows["cramer_rao"]).dropna(), 200)


def _newcomer(table: pd.DataFrame) -> Evidence:
    known = (table["method"] == "oracle") & (table["noise"] == 0)
    rows = table[known & (table["num_samples"] >= table["rank_left"] * table["rank_right"])]
    return share_of_all(rows["relative_error"] < 1e-8, 4, f"largest error {rows['relative_error'].max():.1e}")


def _first_setting(table: pd.DataFrame) -> pd.DataFrame:
    """The rows with the similarity and the samples of the first row; aligned users are at misalignment 0."""
    if table.empty:
        raise NoDataError("the table has no rows")
    first = table.iloc[0]
    rows = table[(table["similarity"] == first["similarity"]) & (table["num_samples"] == first["num_samples"])]
    return rows.assign(misalignment=rows["misalignment"].fillna(0.0))


def _gain_of_sharing(table: pd.DataFrame) -> Evidence:
    aligned, _ = ends(_first_setting(table), "misalignment")
    return median(paired(aligned, "alone", "variable_projection")["quotient"], least=4)


def _cost_of_sharing(table: pd.DataFrame) -> Evidence:
    rows = _first_setting(table)
    quotients = paired(rows, "variable_projection", "alone")
    _, apart = ends(quotients, "misalignment")
    medians = quotients.groupby("misalignment")["quotient"].median()
    sine = crossing(medians.index.to_numpy(float), np.log(medians.to_numpy(float)), 0.0)
    detail = f"equal at a misalignment of {sine:.3f}" if math.isfinite(sine) else "no crossing on this grid"
    return median(apart["quotient"], 4, detail)


CLAIMS = (
    Claim(
        name="rate_of_convergence",
        statement="Near the truth a sweep multiplies the error by the spectral radius computed for the drawn design.",
        source=Source.OURS,
        sweep="contraction",
        prediction="measured over computed factor, less 1: at most 0.05 in every draw",
        columns=("long_run_contraction", "contraction_factor"),
        statistic=_rate,
        rule=Inside(high=_RATE_TOLERANCE),
        preset="smoke",
    ),
    Claim(
        name="rate_without_data",
        statement="The cores and the sizes alone give the same factor.",
        source=Source.OURS,
        sweep="contraction",
        prediction="law over computed factor, less 1: at most 0.10 on average",
        columns=("contraction_law", "contraction_factor"),
        statistic=_rate_law,
        rule=Inside(high=0.1),
    ),
    Claim(
        name="isometry_on_the_tangent_space",
        statement="The isometry constant on the tangent space falls with the samples.",
        source=Source.OURS,
        sweep="isometry",
        prediction="slope of log constant over log n at a fixed number of users: at most -0.3 (theory: -0.5)",
        columns=("isometry_constant",),
        statistic=_tangent_isometry,
        rule=Inside(high=-0.3),
    ),
    Claim(
        name="uniform_isometry_ignores_users",
        statement="An isometry constant over all tuples does not improve with the number of users.",
        source=Source.OURS,
        sweep="isometry",
        prediction="median constant of single users at the most users over that at the fewest, from 4 on: at least 0.9",
        columns=("single_isometry",),
        statistic=_uniform_isometry,
        rule=Inside(low=0.9),
    ),
    Claim(
        name="overlap_of_spectral_starts",
        statement="A law of large random matrices gives the overlap of a spectral start with the truth.",
        source=Source.OURS,
        sweep="start_overlap",
        prediction=(
            "mean overlap of U and V less mean prediction: at most 0.05 at every point where the prediction is above "
            "0.3"
        ),
        columns=("overlap_left", "overlap_right", "predicted_overlap_left", "predicted_overlap_right"),
        statistic=_start_overlap,
        rule=Inside(high=0.05),
    ),
    Claim(
        name="efficiency",
        statement="Least squares reaches the Cramer-Rao bound of the drawn design.",
        source=Source.OURS,
        sweep="efficiency",
        prediction=(
            "mean of squared error over bound at N / DoF >= 4, 200 draws or more: no more than two standard errors "
            "below 1, at most 1.05"
        ),
        columns=("mean_squared_error", "cramer_rao"),
        statistic=_efficiency,
        rule=Attains(1.0, 1.05),
    ),
    Claim(
        name="newcomer",
        statement="A new user whose subspaces are known needs r1 r2 samples.",
        source=Source.OURS,
        sweep="newcomer",
        prediction="oracle without noise: relative error below 1e-8 in every run with n >= r1 r2",
        columns=("relative_error",),
        statistic=_newcomer,
        rule=Inside(low=1.0),
        preset="smoke",
    ),
    Claim(
        name="sharing_pays_where_aligned",
        statement="Users who share their subspaces are more accurate together than alone.",
        source=Source.OURS,
        sweep="misalignment",
        prediction="smallest misalignment: median over instances of the squared error alone over together above 1",
        columns=("mean_squared_error",),
        statistic=_gain_of_sharing,
        rule=Inside(low=1.0),
    ),
    Claim(
        name="sharing_costs_where_apart",
        statement="Users whose subspaces differ much are less accurate together than alone.",
        source=Source.OURS,
        sweep="misalignment",
        prediction="largest misalignment: median over instances of the squared error together over alone above 1",
        columns=("mean_squared_error",),
        statistic=_cost_of_sharing,
        rule=Inside(low=1.0),
    ),
)

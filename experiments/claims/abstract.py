"""What the abstract of arXiv 2602.07218 claims, in numbers of ours: it gives none."""

import itertools
import math

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import (
    difference,
    ends,
    main_shape,
    median,
    need,
    paired,
    share,
    share_of_all,
)
from colora_theory.experiments.claims.evidence import Evidence, Inside, NoDataError
from colora_theory.experiments.claims.rates import SUCCESS, half_point, success_rates

_USERS = (1, 4, 16, 64)


def _recovery(table: pd.DataFrame) -> Evidence:
    rows = table[(table["method"] == "alternating") & (table["oversampling"] >= 3) & (table["noise"] == 0)]
    return share(rows["relative_error"] < SUCCESS, least=10)


def _fewer_samples(table: pd.DataFrame) -> Evidence:
    """The largest quotient of the samples for half success at one number of users over those at the one before."""
    rows = main_shape(table)
    users = [k for k in _USERS if (rows["num_users"] == k).any()]
    if len(users) < 3:
        raise NoDataError(f"{len(users)} of the numbers of users {_USERS}, at least 3 are needed")
    halves = [half_point(success_rates(rows[rows["num_users"] == k], "num_samples")) for k in users]
    # An end of an interval that the grid does not reach is left open.
    steps = [
        (after / before, np.nan_to_num(first / last_before), np.nan_to_num(last / first_before, nan=math.inf))
        for (before, first_before, last_before), (after, first, last) in itertools.pairwise(halves)
    ]
    value, low, high = np.max(steps, axis=0)
    detail = "n = " + ", ".join(f"{half:.3g} (k = {k})" for k, (half, _, _) in zip(users, halves, strict=True))
    return Evidence(float(value), float(low), float(high), need(len(rows), 4), detail)


def _similarity_gain(table: pd.DataFrame) -> Evidence:
    pooled = (table["method"] == "alternating") & (table["start"] == "pooled")
    rows = main_shape(table[pooled & table["misalignment"].isna() & (table["noise"] == 0)])
    apart, alike = ends(rows, "similarity")
    detail = f"s = {apart['similarity'].iloc[0]:g} to {alike['similarity'].iloc[0]:g}"
    return difference(alike["relative_error"] < SUCCESS, apart["relative_error"] < SUCCESS, 3, detail)


def _gain_over_pooled(table: pd.DataFrame) -> Evidence:
    # One user alone has nothing to pool.
    rows = table[(table["num_users"] > 1) & (table["similarity"] < 1)]
    return median(paired(rows, "pooled", "alternating")["quotient"], least=4)


def _count(table: pd.DataFrame) -> Evidence:
    k, d1, d2 = table["num_users"], table["num_rows"], table["num_cols"]
    r1, r2 = table["rank_left"], table["rank_right"]
    counted = table["degrees_of_freedom"] == r1 * (d1 - r1) + r2 * (d2 - r2) + k * r1 * r2
    rank = np.minimum(r1, r2)
    fewer = (k == 1) | (table["degrees_of_freedom"] < k * rank * (d1 + d2 - rank))
    return share_of_all(counted & fewer, least=1)


CLAIMS = (
    Claim(
        name="recovery",
        statement="Alternating minimization recovers the ground truth.",
        source=Source.ABSTRACT,
        sweep="convergence",
        prediction="without noise, at N / DoF >= 3: relative error below 1e-6 in at least 0.9 of the runs",
        columns=("relative_error",),
        statistic=_recovery,
        rule=Inside(low=0.9),
    ),
    Claim(
        name="more_users_fewer_samples",
        statement="The more users there are, the fewer samples each of them needs.",
        source=Source.ABSTRACT,
        sweep="sample_complexity",
        prediction="samples for half success fall from k = 1 to 4, 16 and 64: every quotient of neighbours is below 1",
        columns=("relative_error",),
        statistic=_fewer_samples,
        rule=Inside(high=1.0),
    ),
    Claim(
        name="similar_tasks_help",
        statement="Users gain more from each other the more similar their tasks are.",
        source=Source.ABSTRACT,
        sweep="similarity",
        prediction=(
            "few samples, pooled start: the success rate at the largest similarity exceeds that at the smallest "
            "by at least 0.25"
        ),
        columns=("relative_error",),
        statistic=_similarity_gain,
        rule=Inside(low=0.25),
    ),
    Claim(
        name="personal_cores_beat_one_adapter",
        statement="Where tasks differ, personal cores are more accurate than one adapter for all users.",
        source=Source.ABSTRACT,
        sweep="noise",
        prediction="median over instances of the squared error of one pooled adapter over that of all together above 1",
        columns=("mean_squared_error",),
        statistic=_gain_over_pooled,
        rule=Inside(low=1.0),
        preset="smoke",
    ),
    Claim(
        name="parameter_count",
        statement="k users together have O(d r + k r^2) trainable numbers.",
        source=Source.ABSTRACT,
        sweep="sample_complexity",
        prediction=(
            "in every row DoF = r1 (d1 - r1) + r2 (d2 - r2) + k r1 r2, and for k > 1 this is less than k times the "
            "unknowns of a user alone: share 1"
        ),
        columns=("degrees_of_freedom",),
        statistic=_count,
        rule=Inside(low=1.0),
        preset="smoke",
    ),
)

"""What docs/theory.md says of noise, of the counting limit, of annealed starts and of shrunk cores."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import (
    difference,
    ends,
    main_shape,
    median,
    paired,
    quotient_of_medians,
    share,
    slope,
    widest,
)
from colora_theory.experiments.claims.evidence import Evidence, Inside
from colora_theory.experiments.claims.rates import SUCCESS

_PREFIX = "annealed_"


def _decay_with_samples(table: pd.DataFrame) -> Evidence:
    together = main_shape(table[(table["method"] == "alternating") & (table["oversampling"] >= 4)])
    rows = widest(together, "num_users", "num_samples")
    return slope(rows["num_samples"], rows["mean_squared_error"], least=10)


def _excess_over_oracle(table: pd.DataFrame) -> Evidence:
    """What the shared subspaces cost beyond the oracle, at the most users over at the fewest."""
    rows = widest(main_shape(table[table["method"].isin(["alternating", "oracle"])]), "num_samples", "num_users")
    few, many = ends(paired(rows, "alternating", "oracle"), "num_users")
    return quotient_of_medians(many["quotient"], few["quotient"], least=4, shift=1.0)


def _recovered_between(table: pd.DataFrame, low: float, high: float) -> Evidence:
    rows = table[(table["method"] == "auto") & table["oversampling"].between(low, high)]
    return share(rows["relative_error"] < SUCCESS, least=10)


def _gain_of_length(table: pd.DataFrame) -> Evidence:
    rows = table[table["start"].str.startswith(_PREFIX)]
    shortest, longest = ends(rows.assign(sweeps=rows["start"].str.removeprefix(_PREFIX).astype(int)), "sweeps")
    detail = f"{shortest['sweeps'].iloc[0]} to {longest['sweeps'].iloc[0]} sweeps"
    return difference(longest["relative_error"] < SUCCESS, shortest["relative_error"] < SUCCESS, 10, detail)


def _gain_of_shrinking(table: pd.DataFrame, num_samples: int) -> Evidence:
    rows = table[(table["num_samples"] == num_samples) & (table["noise"] == table["noise"].max())]
    return median(paired(rows, "auto", "empirical_bayes")["quotient"], least=4)


CLAIMS = (
    Claim(
        name="error_falls_with_samples",
        statement="The squared error falls as 1 / n.",
        source=Source.OURS,
        sweep="noise",
        prediction="slope of log squared error over log n at N / DoF >= 4, all users together: between -1.25 and -0.85",
        columns=("mean_squared_error",),
        statistic=_decay_with_samples,
        rule=Inside(-1.25, -0.85),
    ),
    Claim(
        name="error_falls_to_the_oracle",
        statement="With more users the squared error falls towards that of an oracle who knows the subspaces.",
        source=Source.OURS,
        sweep="noise",
        prediction="median of error over the oracle's, less 1: at the most users at most half of that at the fewest",
        columns=("mean_squared_error",),
        statistic=_excess_over_oracle,
        rule=Inside(high=0.5),
    ),
    Claim(
        name="many_near_the_limit",
        statement="Near the counting limit several attempts recover many of the draws.",
        source=Source.OURS,
        sweep="sample_limit",
        prediction="method auto, N / DoF from 1.08 to 1.15: relative error below 1e-6 in at least 1/3 of the runs",
        columns=("relative_error",),
        statistic=lambda table: _recovered_between(table, 1.08, 1.15),
        rule=Inside(low=1 / 3),
    ),
    Claim(
        name="most_above_the_limit",
        statement="A little above the counting limit several attempts recover most draws.",
        source=Source.OURS,
        sweep="sample_limit",
        prediction="method auto, N / DoF from 1.2 to 1.3: relative error below 1e-6 in at least 3/4 of the runs",
        columns=("relative_error",),
        statistic=lambda table: _recovered_between(table, 1.2, 1.3),
        rule=Inside(low=0.75),
    ),
    Claim(
        name="longer_annealing_helps",
        statement="The more slowly the ridge of an annealed start falls, the more often the truth is recovered.",
        source=Source.OURS,
        sweep="annealing",
        prediction="success rate on the longest path less that on the shortest, over all n: at least 0.25",
        columns=("relative_error",),
        statistic=_gain_of_length,
        rule=Inside(low=0.25),
    ),
    Claim(
        name="shrinking_helps_with_few_samples",
        statement="With few noisy samples shrunk cores are more accurate than those of maximum likelihood.",
        source=Source.OURS,
        sweep="few_samples",
        prediction="n = 12: median over instances of the error of maximum likelihood over that of shrunk cores above 1",
        columns=("mean_squared_error",),
        statistic=lambda table: _gain_of_shrinking(table, 12),
        rule=Inside(low=1.0),
    ),
    Claim(
        name="shrinking_does_no_harm",
        statement="With many samples shrunk cores are no less accurate than those of maximum likelihood.",
        source=Source.OURS,
        sweep="few_samples",
        prediction="n = 60: median over instances of the error of maximum likelihood over that of shrunk cores >= 0.98",
        columns=("mean_squared_error",),
        statistic=lambda table: _gain_of_shrinking(table, 60),
        rule=Inside(low=0.98),
    ),
)

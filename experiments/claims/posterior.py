"""What docs/family.md says of intervals with and without a prior."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import mean
from colora_theory.experiments.claims.evidence import Evidence, Inside

_LEAST = 20
# Draws asked for at so many measurements per unknown have a few more, samples being whole.
_ENOUGH = 4.0
_FEW = 2.0


def _laplace(table: pd.DataFrame) -> Evidence:
    rows = table[(table["method"] == "intervals_laplace") & (table["oversampling"] >= _ENOUGH)]
    return mean(rows["coverage_90"], least=_LEAST)


def _laplace_of_few(table: pd.DataFrame) -> Evidence:
    rows = table[(table["method"] == "intervals_laplace") & (table["oversampling"] < _FEW)]
    return mean(rows["coverage_90"], least=_LEAST)


def _plug_in(table: pd.DataFrame) -> Evidence:
    rows = table[(table["method"] == "intervals_plug_in") & (table["oversampling"] < _ENOUGH)]
    return mean(rows["coverage_90"], least=_LEAST)


CLAIMS = (
    Claim(
        name="laplace_intervals_hold_what_they_say",
        statement="With four measurements for each unknown Bayesian intervals are calibrated.",
        source=Source.OURS,
        sweep="posterior_calibration",
        prediction="N / DoF >= 4: mean coverage of new measurements by nominal 90% intervals of Laplace in [.87, .93]",
        columns=("coverage_90", "oversampling"),
        statistic=_laplace,
        rule=Inside(low=0.87, high=0.93),
    ),
    Claim(
        name="laplace_is_too_short_where_data_are_few",
        statement="With less than two measurements for each unknown Bayesian intervals hold less than they say.",
        source=Source.OURS,
        sweep="posterior_calibration",
        prediction="N / DoF < 2: mean coverage of new measurements by nominal 90% intervals of Laplace below .87",
        columns=("coverage_90", "oversampling"),
        statistic=_laplace_of_few,
        rule=Inside(high=0.87),
    ),
    Claim(
        name="the_noise_alone_is_too_short",
        statement="Intervals that take the fitted weights as known are too short where data are few.",
        source=Source.OURS,
        sweep="posterior_calibration",
        prediction="N / DoF < 4: mean coverage of new measurements by nominal 90% intervals of the noise below .87",
        columns=("coverage_90", "oversampling"),
        statistic=_plug_in,
        rule=Inside(high=0.87),
    ),
)

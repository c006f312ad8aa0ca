"""What docs/theory.md says of planned sample sizes."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import share
from colora_theory.experiments.claims.evidence import Evidence, Inside, NoDataError

FEWER = 0.7  # of the recommended samples: so few are too few
_LEAST = 20


def reached(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Which runs reached the error that their plan is made for; a run without an error value did not."""
    return rows["relative_error"] <= rows["target_error"]


def with_enough(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with at least the recommended samples."""
    return rows[rows["num_samples"] >= rows["planned_samples"]]


def with_too_few(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with at most 70% of the recommended samples."""
    return rows[rows["num_samples"] <= FEWER * rows["planned_samples"]]


def _by_noise(table: pd.DataFrame) -> list[Evidence]:
    """The share of runs that reached the target, by standard deviation of the noise.

    Raises:
        NoDataError: For an empty table, or one of the shares from too few rows.
    """
    shares = [share(reached(rows), _LEAST, f"noise {noise:g}") for noise, rows in table.groupby("noise")]
    if not shares:
        raise NoDataError("the table has no such rows")
    return shares


def _enough(table: pd.DataFrame) -> Evidence:
    return min(_by_noise(with_enough(table)), key=lambda evidence: evidence.value)


def _too_few(table: pd.DataFrame) -> Evidence:
    return max(_by_noise(with_too_few(table)), key=lambda evidence: evidence.value)


CLAIMS = (
    Claim(
        name="planned_samples_are_enough",
        statement="With the samples that a plan recommends the target is reached.",
        source=Source.OURS,
        sweep="success_map",
        prediction=(
            "with at least the recommended samples: at least 0.9 of the runs reach the target, without noise and with "
            "it (the smaller of the two shares)"
        ),
        columns=("relative_error", "target_error", "planned_samples"),
        statistic=_enough,
        rule=Inside(low=0.9),
    ),
    Claim(
        name="fewer_samples_are_not_enough",
        statement="With 70% of the samples that a plan recommends the target is not reached.",
        source=Source.OURS,
        sweep="success_map",
        prediction=(
            "with at most 0.7 of the recommended samples: at most 0.6 of the runs reach the target, without noise and "
            "with it (the larger of the two shares)"
        ),
        columns=("relative_error", "target_error", "planned_samples"),
        statistic=_too_few,
        rule=Inside(high=0.6),
    ),
)

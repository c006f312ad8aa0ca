"""What docs/family.md says of users who mix adapters, and of users who take one."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import median, paired
from colora_theory.experiments.claims.evidence import Evidence, Inside

_LEAST = 10


def _assumed_hard(table: pd.DataFrame) -> Evidence:
    rows = table[table["level"] > 0]
    return median(paired(rows, "mixing_clusters", "mixing_simplex")["quotient"], least=_LEAST)


def _assumed_soft(table: pd.DataFrame) -> Evidence:
    rows = table[table["level"] == 0]
    return median(paired(rows, "mixing_simplex", "mixing_clusters")["quotient"], least=_LEAST)


CLAIMS = (
    Claim(
        name="clusters_fail_where_users_mix",
        statement="To assume that every user takes one adapter costs much if some of them mix several.",
        source=Source.OURS,
        sweep="mixtures",
        prediction="a quarter of the users or more mix: median squared error over that of the mixture: at least 4",
        columns=("method", "mean_squared_error", "level"),
        statistic=_assumed_hard,
        rule=Inside(low=4.0),
    ),
    Claim(
        name="mixing_nobody_needs_costs_its_count",
        statement="To allow mixing where every user takes one adapter costs no more than the count of the shares.",
        source=Source.OURS,
        sweep="mixtures",
        prediction="nobody mixes: median squared error over that of clusters: at most 1.25",
        columns=("method", "mean_squared_error", "level"),
        statistic=_assumed_soft,
        rule=Inside(high=1.25),
    ),
)

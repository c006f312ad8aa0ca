"""A claim: a statement, where it comes from, and what a stored table must show for it to hold."""

import dataclasses
import enum
from collections.abc import Callable

import pandas as pd

from colora_theory.experiments.claims.evidence import AbstractRule, Evidence


class Source(enum.StrEnum):
    """Who makes a claim."""

    ABSTRACT = "abstract"  # the abstract of arXiv 2602.07218
    OURS = "ours"  # docs/theory.md
    PUBLISHED = "published"  # elsewhere


@dataclasses.dataclass(frozen=True)
class Claim:
    """One entry of the ledger.

    Attributes:
        name: its name on the command line.
        statement: what is claimed.
        source: by whom.
        sweep: whose stored table tests it.
        prediction: what the table must show, in words.
        columns: the columns that the statistic reads besides the axes.
        statistic: a pure function from the table to an estimate; raises NoDataError where there is too little.
        rule: judges the estimate.
        preset: the smallest preset that can decide it.
    """

    name: str
    statement: str
    source: Source
    sweep: str
    prediction: str
    columns: tuple[str, ...]
    statistic: Callable[[pd.DataFrame], Evidence]
    rule: AbstractRule
    preset: str = "cpu"

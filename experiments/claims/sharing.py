"""What docs/family.md says of several A and B in one adapter, and of ranks under one budget."""

import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import median, paired
from colora_theory.experiments.claims.evidence import Evidence, Inside

_LEAST = 10
_STRATEGIES = ("cola_full", "cola_heuristic", "cola_random")
# Draws asked for at so many measurements per unknown have a few more, samples being whole.
_ENOUGH = 4.0
_DISSIMILAR = 0.5


def _as_one_lora(table: pd.DataFrame) -> Evidence:
    quotients = {name: paired(table, name, "lora")["quotient"] for name in _STRATEGIES}
    by_strategy = {name: found.median() for name, found in quotients.items()}
    detail = ", ".join(f"{name} {value:.3g}" for name, value in by_strategy.items())
    return median(pd.concat(list(quotients.values()), ignore_index=True), least=_LEAST, detail=detail)


def _wider(table: pd.DataFrame) -> Evidence:
    return median(paired(table, "lora_wide", "lora")["quotient"], least=_LEAST)


def _personal(table: pd.DataFrame) -> Evidence:
    rows = table[(table["level"] == _DISSIMILAR) & (table["oversampling"] >= _ENOUGH)]
    return median(paired(rows, "lora", "colora")["quotient"], least=_LEAST)


def _allotted(table: pd.DataFrame) -> Evidence:
    rows = table[table["oversampling"] >= _ENOUGH]
    return median(paired(rows, "budgeted_by_fit", "budgeted_oracle")["quotient"], least=_LEAST)


def _even(table: pd.DataFrame) -> Evidence:
    rows = table[table["oversampling"] >= _ENOUGH]
    return median(paired(rows, "budgeted_evenly", "budgeted_oracle")["quotient"], least=_LEAST)


CLAIMS = (
    Claim(
        name="cola_ends_as_one_lora",
        statement="Trained long from an equal start, CoLA errs as one LoRA of its rank, whatever the strategy.",
        source=Source.OURS,
        sweep="collaborative",
        prediction="median squared error over that of LoRA on the same data, three strategies: within 5% of 1",
        columns=("method", "mean_squared_error"),
        statistic=_as_one_lora,
        rule=Inside(low=0.95, high=1.05),
    ),
    Claim(
        name="as_many_numbers_in_one_lora_err_more",
        statement="A LoRA of as many trained numbers as CoLA errs more than one of CoLA's rank.",
        source=Source.OURS,
        sweep="collaborative",
        prediction="median squared error over that of the narrow LoRA: at least 1",
        columns=("method", "mean_squared_error"),
        statistic=_wider,
        rule=Inside(low=1.0),
    ),
    Claim(
        name="personal_cores_beat_cola",
        statement="Of half similar users personal cores err less than any one adapter, if the data determine them.",
        source=Source.OURS,
        sweep="collaborative",
        prediction="similarity .5, N / DoF at least 4: median of LoRA's squared error over CoLoRA's: at least 4",
        columns=("method", "mean_squared_error", "level", "oversampling"),
        statistic=_personal,
        rule=Inside(low=4.0),
    ),
    Claim(
        name="contributions_find_the_ranks",
        statement="Ranks by what layers contribute to a fit at larger ranks cost nothing against those of the truth.",
        source=Source.OURS,
        sweep="budgeted",
        prediction="four measurements per unknown: median squared error over that with the true ranks: at most 1.05",
        columns=("method", "mean_squared_error", "oversampling"),
        statistic=_allotted,
        rule=Inside(high=1.05),
    ),
    Claim(
        name="even_ranks_err_by_their_bias",
        statement="Even ranks of the same sum err by their bias if the layers differ.",
        source=Source.OURS,
        sweep="budgeted",
        prediction="ranks 1, 1, 4, four measurements per unknown: median squared error over that with the true ranks: "
        "at least 10",
        columns=("method", "mean_squared_error", "oversampling"),
        statistic=_even,
        rule=Inside(low=10.0),
    ),
)

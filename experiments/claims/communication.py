"""What docs/scaling.md says of messages: bytes, rounds, averaged adapters and users who do not answer."""

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import median, paired, share_of_all
from colora_theory.experiments.claims.evidence import Evidence, Inside
from colora_theory.experiments.claims.rates import SUCCESS

# Of the common adapter: half the energy of the cores is the users' own, so one adapter for all errs by sqrt(1/2) or so.
_SPREAD = 0.4
_LEAST = 10


def steps_to_success(trace: np.ndarray) -> float:
    """The first step with an error below 1e-6; infinite if there is none."""
    below = np.flatnonzero(np.asarray(trace, float) < SUCCESS)
    return float(below[0]) if below.size else np.inf


def megabytes_to_success(errors: np.ndarray, megabytes: np.ndarray) -> float:
    """What all users together have sent and received by then; infinite if it is never."""
    step = steps_to_success(errors)
    return float(megabytes[int(step)]) if np.isfinite(step) else np.inf


def _ratio(table: pd.DataFrame, above: str, below: str, values: list[float]) -> Evidence:
    quotients = paired(table.assign(needed=values), above, below, "needed")["quotient"]
    return median(quotients, least=_LEAST)


def _bytes(table: pd.DataFrame) -> Evidence:
    rows = table[table["method"].isin(["alternating", "altgdmin"])]
    traces = zip(rows["relative_error_trace"], rows["megabytes_trace"], strict=True)
    return _ratio(rows, "alternating", "altgdmin", [megabytes_to_success(*pair) for pair in traces])


def _rounds(table: pd.DataFrame) -> Evidence:
    rows = table[table["method"].isin(["altgdmin", "variable_projection"])]
    # A run that ended for another reason than an optimum would have gone on.
    return _ratio(
        rows, "altgdmin", "variable_projection", rows["rounds"].where(rows["status_name"] == "CONVERGED").tolist()
    )


def _averaged(table: pd.DataFrame) -> Evidence:
    rows = table[table["method"].isin(["average_factors", "average_products"])]
    return share_of_all(rows["relative_error"] >= _SPREAD, least=_LEAST)


def _half(table: pd.DataFrame) -> Evidence:
    rows = table[table["method"].isin(["alternating", "alternating_half"])]
    return _ratio(
        rows, "alternating_half", "alternating", [steps_to_success(trace) for trace in rows["relative_error_trace"]]
    )


CLAIMS = (
    Claim(
        name="gradients_send_fewer_bytes",
        statement="Until an error of 1e-6 AltGDmin sends less than alternating minimization.",
        source=Source.OURS,
        sweep="communication",
        prediction="median over instances of the megabytes of alternating minimization over AltGDmin's: at least 2",
        columns=("relative_error_trace", "megabytes_trace"),
        statistic=_bytes,
        rule=Inside(low=2.0),
    ),
    Claim(
        name="normal_equations_take_fewer_rounds",
        statement="Variable projection converges in fewer rounds than AltGDmin.",
        source=Source.OURS,
        sweep="communication",
        prediction="median over instances of the rounds of AltGDmin over those of variable projection: at least 4",
        columns=("rounds", "status_name"),
        statistic=_rounds,
        rule=Inside(low=4.0),
    ),
    Claim(
        name="averaged_adapters_end_at_the_spread",
        statement="Averaged adapters, by factors or by products, do not come below the spread of the users.",
        source=Source.OURS,
        sweep="communication",
        prediction="similarity 0.5: relative error of at least 0.4 in every run of both",
        columns=("relative_error",),
        statistic=_averaged,
        rule=Inside(low=1.0),
    ),
    Claim(
        name="half_of_the_users_are_enough",
        statement="Alternating minimization needs hardly more steps if half of the users answer in a round.",
        source=Source.OURS,
        sweep="communication",
        prediction="median over instances of the steps to 1e-6 with half of the users over those with all: at most 2",
        columns=("relative_error_trace",),
        statistic=_half,
        rule=Inside(high=2.0),
    ),
)

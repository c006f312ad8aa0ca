"""What is said of other designs, operators and kinds of noise."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.claim import Claim, Source
from colora_theory.experiments.claims.estimates import need, quotient_of_medians, share_of_all
from colora_theory.experiments.claims.evidence import Evidence, Inside, NoDataError
from colora_theory.experiments.claims.rates import SUCCESS, half_point, success_rates

# A condition number of 30 on both sides.
_CORRELATED = "correlated_30"


def _steps(table: pd.DataFrame, method: str, design: str) -> pd.Series:
    """Steps of the noiseless runs; a run that did not converge would have needed endlessly many."""
    rows = table[(table["method"] == method) & (table["design"] == design) & (table["noise"] == 0)]
    return rows["steps"].astype(float).where(rows["status_name"] == "CONVERGED", math.inf)


def _slower(table: pd.DataFrame, method: str, design: str) -> Evidence:
    """Median steps of a method on a design over those on the Gaussian one."""
    return quotient_of_medians(_steps(table, method, design), _steps(table, method, "gaussian"), least=4)


def _whitened(table: pd.DataFrame) -> Evidence:
    after, before = (_steps(table, method, _CORRELATED) for method in ("altgdmin_whitened", "altgdmin"))
    return quotient_of_medians(after, before, least=4)


def _farthest(found: Iterable[Evidence]) -> Evidence:
    """Of several quotients the one whose interval reaches farthest from 1."""

    def reach(evidence: Evidence) -> float:
        return max(-math.log(evidence.low), math.log(evidence.high))

    return max(found, key=reach)


def _other_entries(table: pd.DataFrame) -> Evidence:
    methods, designs = ("alternating", "altgdmin"), ("rademacher", "student_t")
    return _farthest(_slower(table, method, design) for method in methods for design in designs)


def _other_noise(table: pd.DataFrame) -> Evidence:
    noisy = table[(table["noise"] > 0) & (table["method"] == "variable_projection")]
    errors = {str(kind): rows["mean_squared_error"].fillna(np.inf) for kind, rows in noisy.groupby("noise_kind")}
    if len(errors) < 2 or "gaussian" not in errors:
        raise NoDataError(f"kinds of noise {sorted(errors)}, the Gaussian and another are needed")
    gaussian = errors.pop("gaussian")
    return _farthest(quotient_of_medians(values, gaussian, least=10) for values in errors.values())


def _half_over_dense(table: pd.DataFrame, design: str) -> Evidence:
    """N / DoF at which half of the runs succeed, over that of dense sensing."""
    rows = table[table["method"] == "annealed"]
    drawn, dense = rows[rows["design"] == design], rows[rows["design"] == "gaussian"]
    count = need(len(drawn), 4) + need(len(dense), 4)
    middle, first, last = half_point(success_rates(drawn, "oversampling"))
    reference, first_reference, last_reference = half_point(success_rates(dense, "oversampling"))
    # An end of an interval that the grid does not reach is left open.
    low, high = np.nan_to_num(first / last_reference), np.nan_to_num(last / first_reference, nan=math.inf)
    detail = f"N / DoF = {middle:.3g} and {reference:.3g}"
    return Evidence(middle / reference, float(low), float(high), count, detail)


def _left_at_once(table: pd.DataFrame) -> Evidence:
    rows = table[(table["design"] == "vector_output") & (table["method"] == "start") & (table["noise"] == 0)]
    spanned = rows[rows["num_samples"] * rows["num_users"] >= rows["rank_left"]]
    return share_of_all(spanned["sine_left"] < SUCCESS, least=4)


CLAIMS = (
    Claim(
        name="entries_of_any_law",
        statement="Bounded and heavy-tailed entries of the design give the rates of Gaussian ones.",
        source=Source.OURS,
        sweep="designs",
        prediction=(
            "median steps of alternating minimization and of AltGDmin with Rademacher entries and Student's t, over "
            "those with Gaussian entries: between 2/3 and 3/2"
        ),
        columns=("steps", "status_name"),
        statistic=_other_entries,
        rule=Inside(2 / 3, 3 / 2),
    ),
    Claim(
        name="correlation_slows_descent",
        statement=(
            "Alternating descent (exact cores, gradient steps on the subspaces) suffers from designs that are not "
            "isotropic (arXiv 2308.04428)."
        ),
        source=Source.PUBLISHED,
        sweep="designs",
        prediction="AltGDmin, condition number 30 on both sides: at least 3 times the median steps without correlation",
        columns=("steps", "status_name"),
        statistic=lambda table: _slower(table, "altgdmin", _CORRELATED),
        rule=Inside(low=3.0),
    ),
    Claim(
        name="correlation_spares_exact_updates",
        statement="Alternating minimization nearly keeps its rate on correlated designs.",
        source=Source.OURS,
        sweep="designs",
        prediction="condition number 30 on both sides: at most 2 times the median steps without correlation",
        columns=("steps", "status_name"),
        statistic=lambda table: _slower(table, "alternating", _CORRELATED),
        rule=Inside(high=2.0),
    ),
    Claim(
        name="whitening_restores_descent",
        statement="Whitening by the estimated covariance takes most of the harm of correlation from AltGDmin.",
        source=Source.OURS,
        sweep="designs",
        prediction="condition number 30 on both sides: median steps with whitening over those without at most 1/2",
        columns=("steps", "status_name"),
        statistic=_whitened,
        rule=Inside(high=0.5),
    ),
    Claim(
        name="noise_of_any_kind",
        statement="Noise of the same variance gives the same error, be it heavy-tailed or different between users.",
        source=Source.OURS,
        sweep="designs",
        prediction="median squared error of the fit over that with Gaussian noise: between 2/3 and 3/2",
        columns=("mean_squared_error",),
        statistic=_other_noise,
        rule=Inside(2 / 3, 3 / 2),
    ),
    Claim(
        name="bilinear_forms_nearly_as_good",
        statement="Rank-one measurements recover the truth from hardly more samples than full matrices.",
        source=Source.OURS,
        sweep="operators",
        prediction="N / DoF at which half of the runs succeed, over that of dense sensing: at most 1.25",
        columns=("relative_error",),
        statistic=lambda table: _half_over_dense(table, "rank_one"),
        rule=Inside(high=1.25),
    ),
    Claim(
        name="entries_within_twice",
        statement="Single entries recover the truth from at most twice the measurements of full matrices.",
        source=Source.OURS,
        sweep="operators",
        prediction="N / DoF at which half of the runs succeed, over that of dense sensing: at most 2",
        columns=("relative_error",),
        statistic=lambda table: _half_over_dense(table, "entries"),
        rule=Inside(high=2.0),
    ),
    Claim(
        name="outputs_show_the_left_subspace",
        statement="Noiseless vector outputs show range(U) as soon as they are as many as its dimensions.",
        source=Source.OURS,
        sweep="operators",
        prediction="stacked start, n k >= r1: sine of U below 1e-6 in every run",
        columns=("sine_left",),
        statistic=_left_at_once,
        rule=Inside(low=1.0),
    ),
)

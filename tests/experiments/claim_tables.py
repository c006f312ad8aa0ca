"""For every claim a made-up table that bears it out and one that refutes it."""

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from colora_theory.experiments.claims.family import expected_cost

AXES: dict[str, Any] = {
    "num_users": 16,
    "num_rows": 20,
    "num_cols": 20,
    "rank_left": 2,
    "rank_right": 2,
    "similarity": 0.5,
    "misalignment": math.nan,
    "condition_number": math.nan,
    "num_samples": 40,
    "noise": 0.0,
    "design": "gaussian",
    "noise_kind": "gaussian",
    "seed": range(20),
    "method": "alternating",
    "start": "stacked",
}


def frame(**axes: Any) -> pd.DataFrame:
    """The Cartesian product of the axes, values or lists of them, with the count of unknowns."""
    values = AXES | axes
    lists = [value if isinstance(value, (list, range)) else [value] for value in values.values()]
    rows = pd.DataFrame(itertools.product(*lists), columns=list(values))
    r1, r2 = rows["rank_left"], rows["rank_right"]
    shared = r1 * (rows["num_rows"] - r1) + r2 * (rows["num_cols"] - r2)
    rows["degrees_of_freedom"] = shared + rows["num_users"] * r1 * r2
    return rows.assign(oversampling=rows["num_samples"] * rows["num_users"] / rows["degrees_of_freedom"])


def recovered(rows: pd.DataFrame, success: pd.Series | bool) -> pd.DataFrame:
    return rows.assign(relative_error=np.where(success, 1e-14, 1.0))


def erring(rows: pd.DataFrame, error: Any) -> pd.DataFrame:
    """Squared errors that differ a little by seed."""
    return rows.assign(mean_squared_error=error * (1 + 0.01 * rows["seed"]))


def by_method(rows: pd.DataFrame, **errors: float) -> pd.DataFrame:
    return erring(rows, rows["method"].map(errors))


def needing(**samples: int) -> pd.DataFrame:
    """Success from a number of samples on, by number of users; one seed is a little behind."""
    parts = []
    for name, enough in samples.items():
        rows = frame(num_users=int(name.removeprefix("k")), num_samples=[6, 8, 12, 16, 24, 32, 48, 64, 96, 128])
        parts.append(recovered(rows, rows["num_samples"] >= enough * (1 + 0.5 * (rows["seed"] == 0))))
    return pd.concat(parts, ignore_index=True)


def similar(alike: bool, apart: bool) -> pd.DataFrame:
    rows = frame(num_samples=20, similarity=[0.0, 0.5, 0.9], start=["pooled", "stacked"])
    return recovered(rows, np.where(rows["similarity"] == 0.9, alike, apart))


def law_of_noise(power: float, constant: bool = False) -> pd.DataFrame:
    """Errors of all users together and of the oracle, whose samples and users count by a power."""
    rows = pd.concat(
        [
            frame(num_samples=[48, 96, 192], method=["alternating", "oracle"], noise=0.1),
            frame(num_users=[1, 4, 64], num_samples=192, method=["alternating", "oracle"], noise=0.1),
        ],
        ignore_index=True,
    )
    shared = np.where(rows["method"] == "oracle", 0.0, 72 / (1 if constant else rows["num_users"]))
    return erring(rows, (4 + shared) / rows["num_samples"] ** power)


def annealed(longest: bool, shortest: bool) -> pd.DataFrame:
    rows = frame(num_samples=[27, 32], start=["annealed_10", "annealed_100", "annealed_1000"])
    return recovered(rows, np.where(rows["start"] == "annealed_10", shortest, longest))


def limit(low: float, high: float, share: float) -> pd.DataFrame:
    """Runs of many attempts between two values of N / DoF, a share of which recover the truth."""
    rows = frame(method=["auto", "variable_projection"], seed=range(100))
    middle = rows.assign(oversampling=(low + high) / 2)
    return recovered(middle, (middle["method"] == "auto") & (middle["seed"] < 100 * share))


def contraction(measured: float, law: float) -> pd.DataFrame:
    rows = recovered(frame(num_samples=[20, 40]), True)
    return rows.assign(contraction_factor=0.4, contraction_law=0.4 * law, long_run_contraction=measured)


def isometry(power: float, users: float) -> pd.DataFrame:
    rows = pd.concat([frame(num_samples=[16, 64, 128]), frame(num_users=[1, 4, 64], num_samples=64)], ignore_index=True)
    shaken = 1 + 0.01 * rows["seed"]
    return rows.assign(
        isometry_constant=3 * shaken / rows["num_samples"] ** power,
        single_isometry=2 * shaken / rows["num_users"] ** users,
    )


def overlap(error: float) -> pd.DataFrame:
    rows = frame(num_samples=[24, 96], start=["pooled", "stacked"])
    # Where little is found the law may be wrong.
    predicted = np.where(rows["num_samples"] == 24, 0.1, 0.8)
    shaken = 0.001 * (rows["seed"] - 9.5)
    found = predicted + np.where(rows["num_samples"] == 24, 0.2, error) + shaken
    # The sides differ, and only their mean counts.
    return rows.assign(
        predicted_overlap_left=predicted,
        predicted_overlap_right=predicted,
        overlap_left=found + 0.1,
        overlap_right=found - 0.1,
    )


def efficiency(ratio: float) -> pd.DataFrame:
    rows = frame(num_samples=[34, 80], seed=range(120), method="variable_projection", noise=0.05)
    shaken = 1 + 0.2 * (-1.0) ** rows["seed"]
    return rows.assign(cramer_rao=0.01, mean_squared_error=0.01 * ratio * shaken)


def newcomers(error: float) -> pd.DataFrame:
    rows = frame(num_users=1, num_samples=[3, 4, 8], noise=[0.0, 0.1], method="oracle")
    exact = (rows["num_samples"] >= 4) & (rows["noise"] == 0)
    one = rows.index[exact][-1]
    found = rows.assign(relative_error=np.where(exact, 1e-14, 0.5))
    found.loc[one, "relative_error"] = error
    return found


def misaligned(together: float, slope: float) -> pd.DataFrame:
    """Errors together that grow with the misalignment, beside 1 alone."""
    rows = frame(misalignment=[0.0, 0.1, 0.5], method=["alone", "variable_projection"], noise=0.3)
    grown = together + slope * rows["misalignment"]
    return erring(rows, np.where(rows["method"] == "alone", 1.0, grown))


def planned(enough: float, too_few: float) -> pd.DataFrame:
    """Runs with and without noise, by the shares that reach the target from 40 planned samples on and below 28."""
    rows = frame(num_samples=[14, 28, 35, 40, 80], noise=[0.0, 0.5], seed=range(100))
    share = np.where(rows["num_samples"] >= 40, enough, np.where(rows["num_samples"] <= 28, too_few, 0.75))
    # Without noise all is clear: the worse of the two levels counts.
    share = np.where(rows["noise"] == 0, rows["num_samples"] >= 40, share)
    error = np.where(rows["seed"] < 100 * share, 0.5, 2.0)
    target = np.where(rows["noise"] > 0, 0.2, 1e-6)
    return rows.assign(target_error=target, planned_samples=40.0, relative_error=error * target)


def shrunk(num_samples: int, gain: float) -> pd.DataFrame:
    return by_method(
        frame(num_samples=num_samples, noise=1.0, method=["auto", "empirical_bayes"]), auto=gain, empirical_bayes=1.0
    )


def miscounted() -> pd.DataFrame:
    rows = frame(num_users=[1, 16])
    return rows.assign(degrees_of_freedom=rows["degrees_of_freedom"] + (rows["seed"] == 3))


def noisy(pooled: float) -> pd.DataFrame:
    return by_method(frame(method=["alternating", "pooled"], noise=0.1), alternating=1.0, pooled=pooled)


def stepping(**steps: int) -> pd.DataFrame:
    """Steps of method and design, the two joined by `_on_`; a design that is not named is the Gaussian one."""
    parts = []
    for name, number in steps.items():
        method, _, design = name.partition("_on_")
        rows = frame(method=method, design=design or "gaussian")
        parts.append(rows.assign(steps=number + rows["seed"] % 2, status_name="CONVERGED"))
    return pd.concat(parts, ignore_index=True)


def entries_of(other: int) -> pd.DataFrame:
    designs = {f"{method}_on_{design}": other for method in ("alternating", "altgdmin") for design in ("rademacher",)}
    return stepping(alternating=40, altgdmin=40, alternating_on_student_t=40, altgdmin_on_student_t=other, **designs)


def kinds_of_noise(other: float) -> pd.DataFrame:
    rows = frame(noise=0.1, noise_kind=["gaussian", "student_t"], method="variable_projection")
    return erring(rows, np.where(rows["noise_kind"] == "gaussian", 1.0, other))


def measured_by(design: str, enough: float) -> pd.DataFrame:
    """Success from so many times the measurements on as with full matrices."""
    rows = frame(
        design=["gaussian", design], method="annealed", start="annealed", num_samples=[10, 12, 16, 20, 24, 32, 48]
    )
    needed = np.where(rows["design"] == design, enough, 1.0) * 13 * (1 + 0.1 * (rows["seed"] == 0))
    return recovered(rows, rows["num_samples"] >= needed)


def showing(sine: float) -> pd.DataFrame:
    rows = frame(design="vector_output", method="start", num_samples=[1, 4])
    return rows.assign(sine_left=np.where(rows["seed"] == 7, sine, 1e-15))


def sines(ours: float, **errors: float) -> pd.DataFrame:
    """Sines that differ a little by seed from published ones, and our estimator beside the first-order one."""
    rows = frame(num_users=[100, 400], method=["method_of_moments", "first_order", "scaled_lbfgs"])
    shaken = 0.002 * (-1.0) ** rows["seed"]
    published = rows["method"].map({"method_of_moments": 0.8, "first_order": 0.5})
    # At one of the points only.
    off = rows["method"].map(errors).fillna(0.0) * (rows["num_users"] == 400)
    known = rows.assign(published=published, sine_left=published + off + shaken)
    return known.assign(sine_left=known["sine_left"].fillna(0.5 + ours + shaken))


def rounds(fedrep: float, fed_sgd: float) -> pd.DataFrame:
    """Squared sines after one round and after a hundred."""
    rows = frame(method=["fedrep", "fed_sgd"], start="random")
    squares = np.where(rows["method"] == "fedrep", fedrep, fed_sgd)
    late = rows.assign(max_steps=100, sine_left=np.sqrt(squares))
    return pd.concat([late, rows.assign(max_steps=1, sine_left=0.7)], ignore_index=True)


def factored(error: float) -> pd.DataFrame:
    rows = frame(method=["first_order", "alone", "pooled", "oracle"], noise=0.9)
    return rows.assign(relative_error=np.where(rows["method"] == "first_order", error, 0.4) + 1e-4 * rows["seed"])


def sending(rounds: int = 10, averaged: float = 0.7, **last: int) -> pd.DataFrame:
    """Runs that reach the target after so many steps of 1 MB each, beside averaged adapters that do not."""
    rows = frame(method=[*last, "average_factors", "average_products"])
    steps = rows["method"].map(last).fillna(0).astype(int) + rows["seed"] % 2
    traces = [[1.0] * (number if number > 1 else 9) + [1e-9] * (number > 1) for number in steps]
    error = np.where(steps > 1, 1e-9, np.where(rows["seed"] == 3, averaged, 0.7))
    return rows.assign(
        relative_error_trace=traces,
        megabytes_trace=[list(range(len(trace))) for trace in traces],
        relative_error=error,
        rounds=rounds * steps,
        status_name="CONVERGED",
    )


FAMILY_AXES: dict[str, Any] = {
    "truth": "shared_both",
    "level": math.nan,
    "num_users": 6,
    "num_rows": 8,
    "num_cols": 7,
    "num_samples": 74,
    "noise": 0.1,
    "seed": range(20),
    "method": "shared_both",
}


def family_frame(**axes: Any) -> pd.DataFrame:
    """As `frame`, of a sweep of the family: truths of 46 unknowns, fitted with as many, at the bound of 1."""
    values = FAMILY_AXES | axes
    lists = [value if isinstance(value, (list, range)) else [value] for value in values.values()]
    rows = pd.DataFrame(itertools.product(*lists), columns=list(values))
    return rows.assign(degrees_of_freedom=46, unknowns=46, bound=1.0, mean_squared_error=1 + 0.001 * rows["seed"])


def crossed(own: float = 1.02, held: float = 1.0, smaller: float = 50.0) -> pd.DataFrame:
    """Errors over the bound of fits to the own truth, by a structure that holds it, and by a smaller one."""
    rows = family_frame(truth=["shared_both", "mixture"], method=["shared_both", "shared_right", "mixture", "pooled"])
    counted = rows.assign(unknowns=rows["method"].map({"shared_right": 106, "pooled": 26}).fillna(46).astype(int))
    ratios = np.where(rows["method"] == "shared_right", held * expected_cost(counted), own)
    ratios = np.where(rows["method"] == "pooled", smaller, ratios)
    return counted.assign(mean_squared_error=rows["mean_squared_error"] * ratios)


def following(cost: float = 1.0, unseen: float = 1.0) -> pd.DataFrame:
    """Smooth cores, whose errors are multiples of what counting says, and the error between the users."""
    rows = family_frame(truth="smooth", method="smooth_between")
    error = rows["mean_squared_error"] * cost
    return rows.assign(mean_squared_error=error, unseen_error=unseen * error)


def collaborating(strategies: float = 1.0, wide: float = 3.0, lora: float = 20.0) -> pd.DataFrame:
    """Squared errors of CoLA's strategies and of a wide LoRA in units of LoRA's, and LoRA's in units of CoLoRA's."""
    errors = dict.fromkeys(("cola_full", "cola_heuristic", "cola_random"), strategies * lora)
    errors |= {"lora": lora, "lora_wide": wide * lora, "colora": 1.0}
    rows = family_frame(truth="similar_users", level=0.5, method=list(errors)).assign(oversampling=4.02)
    return rows.assign(mean_squared_error=rows["mean_squared_error"] * rows["method"].map(errors))


def budgeting(contribution: float = 1.0, evenly: float = 50.0) -> pd.DataFrame:
    """Squared errors by allotted and by even ranks in units of that with the true ones."""
    errors = {"budgeted_oracle": 1.0, "budgeted_by_fit": contribution, "budgeted_evenly": evenly}
    rows = family_frame(truth="budgeted", method=list(errors)).assign(oversampling=4.02)
    return rows.assign(mean_squared_error=rows["mean_squared_error"] * rows["method"].map(errors))


def outlying(found: float = 1.0, ignored: float = 20.0) -> pd.DataFrame:
    """Squared errors of robust fit and of least squares over all, in units of the fit that knows the outliers."""
    errors = {"outliers_found": found, "outliers_ignored": ignored, "outliers_known": 1.0}
    rows = family_frame(truth="own_subspaces", level=[0.1, 0.3], method=list(errors))
    return rows.assign(mean_squared_error=rows["mean_squared_error"] * rows["method"].map(errors))


def mixing(clusters: float = 20.0, simplex: float = 1.1) -> pd.DataFrame:
    """Squared errors of clusters where users mix, and of the mixture where nobody does, in units of the other's."""
    rows = family_frame(truth="mixing_users", level=[0.0, 0.5], method=["mixing_clusters", "mixing_simplex"])
    hard, mixed = rows["method"] == "mixing_clusters", rows["level"] > 0
    errors = np.where(hard & mixed, clusters, np.where(~hard & ~mixed, simplex, 1.0))
    return rows.assign(mean_squared_error=rows["mean_squared_error"] * errors)


def retrieving(level: float, num_samples: int, quotient: float) -> pd.DataFrame:
    """Squared errors of a retrieved core in units of the fitted one's."""
    errors = {"retrieved_by_residuals": quotient, "core_fitted": 1.0}
    rows = family_frame(truth="new_user_of_a_group", level=level, num_samples=num_samples, method=list(errors))
    return rows.assign(mean_squared_error=rows["mean_squared_error"] * rows["method"].map(errors))


def covering(laplace: float = 0.9, plug_in: float = 0.8, scarce: float = 0.8) -> pd.DataFrame:
    """Coverage of nominal 90% intervals, by enough samples and by few."""
    rows = family_frame(truth="normal_cores", level=0.5, method=["intervals_laplace", "intervals_plug_in"])
    of_laplace, apart = rows["method"] == "intervals_laplace", 0.001 * (-1.0) ** rows["seed"]
    tables = [
        rows.assign(coverage_90=np.where(of_laplace, held, plug_in) + apart, oversampling=ratio)
        for ratio, held in ((1.6, scarce), (4.1, laplace))
    ]
    return pd.concat(tables, ignore_index=True)


class Case(NamedTuple):
    """Makers of a table that bears a claim out and of one that refutes it."""

    holds: Callable[[], pd.DataFrame]
    refuted: Callable[[], pd.DataFrame]


CASES: dict[str, Case] = {
    "recovery": Case(
        lambda: recovered(frame(num_samples=[40, 80]), True),
        lambda: recovered(frame(num_samples=[40, 80], seed=range(40)), frame(seed=range(80))["seed"] % 2 == 0),
    ),
    "more_users_fewer_samples": Case(
        lambda: needing(k1=96, k4=32, k16=16, k64=8), lambda: needing(k1=96, k4=16, k16=32, k64=8)
    ),
    "similar_tasks_help": Case(lambda: similar(True, False), lambda: similar(True, True)),
    "personal_cores_beat_one_adapter": Case(lambda: noisy(5.0), lambda: noisy(0.9)),
    "parameter_count": Case(lambda: frame(num_users=[1, 16]), miscounted),
    "error_falls_with_samples": Case(lambda: law_of_noise(1.0), lambda: law_of_noise(0.5)),
    "error_falls_to_the_oracle": Case(lambda: law_of_noise(1.0), lambda: law_of_noise(1.0, constant=True)),
    "many_near_the_limit": Case(lambda: limit(1.1, 1.14, 0.5), lambda: limit(1.1, 1.14, 0.2)),
    "most_above_the_limit": Case(lambda: limit(1.2, 1.3, 0.9), lambda: limit(1.2, 1.3, 0.6)),
    "longer_annealing_helps": Case(lambda: annealed(True, False), lambda: annealed(True, True)),
    "shrinking_helps_with_few_samples": Case(lambda: shrunk(12, 1.5), lambda: shrunk(12, 0.9)),
    "shrinking_does_no_harm": Case(lambda: shrunk(60, 1.0), lambda: shrunk(60, 0.9)),
    "rate_of_convergence": Case(lambda: contraction(0.41, 1.0), lambda: contraction(0.43, 1.0)),
    "rate_without_data": Case(lambda: contraction(0.4, 1.05), lambda: contraction(0.4, 0.8)),
    "isometry_on_the_tangent_space": Case(lambda: isometry(0.5, 0.0), lambda: isometry(0.1, 0.0)),
    "uniform_isometry_ignores_users": Case(lambda: isometry(0.5, 0.0), lambda: isometry(0.5, 0.5)),
    "overlap_of_spectral_starts": Case(lambda: overlap(-0.02), lambda: overlap(-0.08)),
    "efficiency": Case(lambda: efficiency(1.02), lambda: efficiency(0.9)),
    "newcomer": Case(lambda: newcomers(1e-9), lambda: newcomers(1e-7)),
    "sharing_pays_where_aligned": Case(lambda: misaligned(0.5, 5.0), lambda: misaligned(1.2, 5.0)),
    "sharing_costs_where_apart": Case(lambda: misaligned(0.5, 5.0), lambda: misaligned(0.5, 0.1)),
    "planned_samples_are_enough": Case(lambda: planned(0.96, 0.4), lambda: planned(0.8, 0.4)),
    "fewer_samples_are_not_enough": Case(lambda: planned(0.96, 0.4), lambda: planned(0.96, 0.7)),
    "entries_of_any_law": Case(lambda: entries_of(42), lambda: entries_of(90)),
    "correlation_slows_descent": Case(
        lambda: stepping(altgdmin=40, altgdmin_on_correlated_30=300),
        lambda: stepping(altgdmin=40, altgdmin_on_correlated_30=60),
    ),
    "correlation_spares_exact_updates": Case(
        lambda: stepping(alternating=40, alternating_on_correlated_30=45),
        lambda: stepping(alternating=40, alternating_on_correlated_30=90),
    ),
    "whitening_restores_descent": Case(
        lambda: stepping(altgdmin_on_correlated_30=900, altgdmin_whitened_on_correlated_30=90),
        lambda: stepping(altgdmin_on_correlated_30=200, altgdmin_whitened_on_correlated_30=180),
    ),
    "noise_of_any_kind": Case(lambda: kinds_of_noise(0.9), lambda: kinds_of_noise(2.0)),
    "bilinear_forms_nearly_as_good": Case(lambda: measured_by("rank_one", 1.0), lambda: measured_by("rank_one", 2.0)),
    "entries_within_twice": Case(lambda: measured_by("entries", 1.2), lambda: measured_by("entries", 3.5)),
    "outputs_show_the_left_subspace": Case(lambda: showing(1e-9), lambda: showing(1e-3)),
    "gradients_send_fewer_bytes": Case(
        lambda: sending(alternating=60, altgdmin=20), lambda: sending(alternating=30, altgdmin=20)
    ),
    "normal_equations_take_fewer_rounds": Case(
        lambda: sending(altgdmin=60, variable_projection=10), lambda: sending(altgdmin=30, variable_projection=10)
    ),
    "averaged_adapters_end_at_the_spread": Case(lambda: sending(alternating=20), lambda: sending(averaged=0.39)),
    "half_of_the_users_are_enough": Case(
        lambda: sending(alternating=20, alternating_half=25), lambda: sending(alternating=20, alternating_half=50)
    ),
    "published_method_of_moments": Case(lambda: sines(0.0), lambda: sines(0.0, method_of_moments=-0.04)),
    "published_first_order": Case(lambda: sines(0.0), lambda: sines(0.0, first_order=0.04)),
    "never_worse_than_first_order": Case(lambda: sines(-0.1), lambda: sines(0.001)),
    "published_fedrep": Case(lambda: rounds(5e-7, 0.95), lambda: rounds(2e-6, 0.95)),
    "published_fed_sgd": Case(lambda: rounds(5e-7, 0.95), lambda: rounds(5e-7, 0.8)),
    "structures_reach_their_bounds": Case(lambda: crossed(), lambda: crossed(own=1.2)),
    "mixtures_come_near_their_bound": Case(lambda: crossed(own=1.2), lambda: crossed(own=1.4)),
    "larger_structures_cost_their_count": Case(lambda: crossed(), lambda: crossed(held=1.3)),
    "smaller_structures_err_by_their_bias": Case(lambda: crossed(), lambda: crossed(smaller=5.0)),
    "smooth_cores_cost_their_terms": Case(lambda: following(), lambda: following(cost=1.3)),
    "cola_ends_as_one_lora": Case(lambda: collaborating(), lambda: collaborating(strategies=1.2)),
    "as_many_numbers_in_one_lora_err_more": Case(lambda: collaborating(), lambda: collaborating(wide=0.8)),
    "personal_cores_beat_cola": Case(lambda: collaborating(), lambda: collaborating(lora=2.0)),
    "contributions_find_the_ranks": Case(lambda: budgeting(), lambda: budgeting(contribution=1.2)),
    "even_ranks_err_by_their_bias": Case(lambda: budgeting(), lambda: budgeting(evenly=3.0)),
    "unseen_parameters_are_predicted": Case(lambda: following(), lambda: following(unseen=2.5)),
    "clusters_fail_where_users_mix": Case(mixing, lambda: mixing(clusters=2.0)),
    "mixing_nobody_needs_costs_its_count": Case(mixing, lambda: mixing(simplex=1.5)),
    "similar_users_serve_a_new_one": Case(lambda: retrieving(0.02, 12, 0.3), lambda: retrieving(0.02, 12, 0.7)),
    "unrelated_users_do_not_serve_a_new_one": Case(lambda: retrieving(1.0, 24, 4.0), lambda: retrieving(1.0, 24, 1.2)),
    "outliers_are_found": Case(outlying, lambda: outlying(found=1.5)),
    "outliers_spoil_least_squares": Case(outlying, lambda: outlying(ignored=1.5)),
    "laplace_intervals_hold_what_they_say": Case(covering, lambda: covering(laplace=0.85)),
    "laplace_is_too_short_where_data_are_few": Case(covering, lambda: covering(scarce=0.9)),
    "the_noise_alone_is_too_short": Case(covering, lambda: covering(plug_in=0.9)),
    "published_factored_fit": Case(lambda: factored(0.13), lambda: factored(0.15)),
}

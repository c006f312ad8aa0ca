"""What theory says of a drawn instance, to be put beside what is measured: adding one is one entry and its columns."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

import colora_theory as ct
from colora_theory.experiments.draw import Draw
from colora_theory.experiments.long_run import long_run_contraction
from colora_theory.experiments.seeding import keys
from colora_theory.theory import (
    contraction_factor,
    contraction_law,
    core_isometry,
    cramer_rao,
    isometry_constant,
    noise_law,
    plan,
    spread_isometry_bound,
    start_overlap,
    transfer_errors,
)

# A number for all rows of a draw, or one for each start that something is known of.
Value = float | Mapping[str, float]

# The single users in which a bad isometry constant is looked for: one bad user is enough.
_SINGLE_USERS = 4

# The relative errors that plans are to reach, without noise (recovery) and with it.
_RECOVERY, _TARGET = 1e-6, 0.2


class Prediction(NamedTuple):
    """How the values of some columns are computed, and whether the users may have subspaces of their own."""

    compute: Callable[[ct.Instance, Draw], dict[str, Value]]
    misaligned: bool = False


def predict(names: Sequence[str], instance: ct.Instance, draw: Draw) -> dict[str, Value]:
    """The columns of several predictions for one drawn instance. Runs on the host; not to be traced."""
    return {column: value for name in names for column, value in PREDICTIONS[name].compute(instance, draw).items()}


def columns(predicted: Mapping[str, Value], start: str) -> dict[str, float | None]:
    """The values for a row with this start; None where nothing is known of the start."""
    return {name: value.get(start) if isinstance(value, Mapping) else value for name, value in predicted.items()}


def _rate(instance: ct.Instance, draw: Draw) -> dict[str, Value]:
    assert isinstance(instance.truth, ct.Factors)
    solver = ct.solvers.AlternatingMinimization()
    return {
        "long_run_contraction": float(long_run_contraction(instance.problem, instance.truth, solver)),
        "contraction_factor": contraction_factor(instance.problem, instance.truth),
        "contraction_law": contraction_law(_cores(instance), draw.num_rows, draw.num_cols, draw.num_samples),
    }


def _isometry(instance: ct.Instance, draw: Draw) -> dict[str, Value]:
    problem, truth = instance.problem, instance.truth
    (key,) = keys([draw], "prediction")
    # One core, whatever its sides, makes matrices of at most this rank.
    rank = min(draw.rank)
    singles = problem.split_users()
    return {
        "isometry_constant": isometry_constant(problem, truth),
        "core_isometry": float(np.max(core_isometry(problem, truth))),
        "common_isometry": spread_isometry_bound(problem.merge_users(), rank, key=key),
        "single_isometry": max(
            spread_isometry_bound(jax.tree.map(lambda leaf, user=user: leaf[user], singles), rank, key=key)
            for user in range(min(_SINGLE_USERS, draw.num_users))
        ),
        "spread_isometry": spread_isometry_bound(problem, draw.rank, key=key),
    }


def _cramer_rao(instance: ct.Instance, draw: Draw) -> dict[str, Value]:
    law = noise_law(_cores(instance), draw.num_rows, draw.num_cols, draw.num_samples, draw.noise)
    return {
        "cramer_rao": cramer_rao(instance.problem, instance.truth, draw.noise).mean,
        "noise_law": float(np.mean(law)),
    }


def _overlap(instance: ct.Instance, draw: Draw) -> dict[str, Value]:
    sizes = draw.num_rows, draw.num_cols, draw.num_samples, draw.noise
    overlaps = {start: start_overlap(_cores(instance), *sizes, start=start) for start in ("pooled", "stacked")}
    return {
        "predicted_overlap_left": {start: overlap.mean_left for start, overlap in overlaps.items()},
        "predicted_overlap_right": {start: overlap.mean_right for start, overlap in overlaps.items()},
    }


def _transfer(instance: ct.Instance, draw: Draw) -> dict[str, Value]:
    errors = transfer_errors(instance.truth, draw.num_samples, draw.noise)
    return {
        "transfer_together": errors.together,
        "transfer_alone": errors.alone,
        "transfer_pooled": errors.pooled,
    }


def _plan(instance: ct.Instance, draw: Draw) -> dict[str, Value]:
    family = (draw.num_users, draw.num_rows, draw.num_cols, draw.rank, draw.similarity, None, draw.condition_number)
    target = _TARGET if draw.noise > 0 else _RECOVERY
    return {"target_error": target, "planned_samples": _planned(family, target, draw.noise)}


@functools.cache
def _planned(family: tuple[Any, ...], target: float, noise: float) -> int:
    """Samples of a user by `plan` with its defaults: the same for all draws of a family."""
    return plan(ct.TaskFamily(*family), target=target, noise=noise).num_samples


def _cores(instance: ct.Instance) -> np.ndarray:
    """The cores that go with orthonormal U and V, shape (num_users, r1, r2)."""
    truth = instance.truth
    assert isinstance(truth, ct.Factors)
    return np.asarray(truth.orthonormalize().cores)


PREDICTIONS: dict[str, Prediction] = {
    "rate": Prediction(_rate),
    "isometry": Prediction(_isometry),
    "cramer_rao": Prediction(_cramer_rao),
    "overlap": Prediction(_overlap),
    "transfer": Prediction(_transfer, misaligned=True),
    "plan": Prediction(_plan),
}

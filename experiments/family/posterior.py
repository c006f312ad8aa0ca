"""Cores with a normal law, and how often intervals for new measurements of their users hold these."""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray
from scipy import special

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import Fit, Found
from colora_theory.experiments.family.truths import Truth, dense_data
from colora_theory.inference import Interval
from colora_theory.sensing import AbstractSensing

_RANK = 2
_NEW_SAMPLES = 20
_NOMINAL = (50, 80, 90, 95)
# The status of a fit of which no intervals can be told.
REFUSED = "REFUSED"

# From a fit to the intervals of a level for measurements by an operator, noise included.
Intervals = Callable[[ct.Problem, ct.Factors], Callable[[AbstractSensing, float], Interval]]


def _sample(key: PRNGKeyArray, draw: FamilyDraw) -> FamilyInstance:
    """Shared subspaces and normal cores of a similarity, the level, with new measurements of the same users."""
    truth_key, data_key, new_key = jax.random.split(key, 3)
    assert draw.level is not None
    truth = ct.TaskFamily(*draw.shape, (_RANK, _RANK), draw.level).sample_truth(truth_key)
    assert isinstance(truth, ct.Factors)
    weights = jnp.asarray(truth.compose())
    problem, sigma = dense_data(data_key, draw, weights)
    new, _ = dense_data(new_key, dataclasses.replace(draw, num_samples=_NEW_SAMPLES), weights)
    structure = ct.structures.SharedBoth((_RANK, _RANK))
    parameters = {name: getattr(truth, name) for name in ("left", "cores", "right")}
    everybody = np.ones(draw.num_users, bool)
    known = {"truth": truth, "new": new}
    return FamilyInstance(problem, np.asarray(weights), sigma, everybody, structure, parameters, known)


def _laplace(problem: ct.Problem, factors: ct.Factors) -> Callable[[AbstractSensing, float], Interval]:
    return ct.bayes.laplace(problem, factors).predictions


def _given(problem: ct.Problem, factors: ct.Factors) -> Callable[[AbstractSensing, float], Interval]:
    return ct.bayes.given_subspaces(problem, factors).predictions


def _cramer_rao(problem: ct.Problem, factors: ct.Factors) -> Callable[[AbstractSensing, float], Interval]:
    return functools.partial(ct.Uncertainty.of(problem, factors).predictions, with_noise=True)


def _plug_in(problem: ct.Problem, factors: ct.Factors) -> Callable[[AbstractSensing, float], Interval]:
    """The noise alone, as if the weights were the fitted ones."""
    sigma = ct.inference.estimate_noise(problem, factors).sigma

    def predictions(sensing: AbstractSensing, level: float) -> Interval:
        estimate = np.asarray(sensing(jnp.asarray(factors.compose())), float)
        reach = float(special.ndtri((1 + level) / 2)) * sigma
        spread = np.full_like(estimate, sigma)
        return Interval(estimate, spread, estimate - reach, estimate + reach, level, False, "the weights are estimates")

    return predictions


def _calibrate(intervals: Intervals, instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> Found:
    """Coverage of new measurements, at the optimum next to the truth: another minimum is another question."""
    near = ct.starts.Near(instance.known["truth"])
    solution = ct.solve(instance.problem, ct.solvers.VariableProjection(), near, _RANK)
    assert isinstance(solution.factors, ct.Factors)
    weights, status = np.asarray(solution.weights), ct.Status(int(solution.status)).name
    new = instance.known["new"]
    try:
        of_level = intervals(instance.problem, solution.factors)
    except ValueError:
        return Found(weights, REFUSED, int(solution.num_steps))
    targets = np.asarray(new.targets)
    told = {nominal: of_level(new.sensing, nominal / 100) for nominal in _NOMINAL}
    measured = {f"coverage_{nominal}": float(np.mean(each.contains(targets))) for nominal, each in told.items()}
    width = 2 * float(np.mean(told[90].half_width)) / instance.sigma
    return Found(weights, status, int(solution.num_steps), measured=measured | {"interval_width": width})


def _unknowns(draw: FamilyDraw) -> int:
    return ct.theory.degrees_of_freedom(*draw.shape, _RANK)


TRUTHS: dict[str, Truth] = {"normal_cores": Truth(_unknowns, _sample, "the similarity of the cores")}
FITS: dict[str, Fit] = {
    "intervals_laplace": functools.partial(_calibrate, _laplace),
    "intervals_given_subspaces": functools.partial(_calibrate, _given),
    "intervals_plug_in": functools.partial(_calibrate, _plug_in),
    "intervals_cramer_rao": functools.partial(_calibrate, _cramer_rao),
}

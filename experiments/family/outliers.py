"""Shared subspaces with users who are unlike the rest, found or known."""

import functools
import math
from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import Fit, Found
from colora_theory.experiments.family.truths import Truth, dense_data

_RANK = 2
# What the robust fit is told: the largest fraction that it allows and the sweeps draw, and a little more.
_FRACTION = 0.45
_ATTEMPTS = 5


def _sample(kind: Literal["subspaces", "data"], key: PRNGKeyArray, draw: FamilyDraw) -> FamilyInstance:
    """Users of whom a fraction, the level, has subspaces of its own or measurements in random order."""
    truth_key, own_key, chosen_key, data_key, order_key = jax.random.split(key, 5)
    shared = ct.structures.SharedBoth((_RANK, _RANK))
    weights = jnp.asarray(shared.compose(shared.sample(truth_key, draw.shape)))
    assert draw.level is not None
    count = round(draw.level * draw.num_users)
    unlike = jax.random.permutation(chosen_key, jnp.arange(draw.num_users) < count)
    if kind == "subspaces":
        single = (1, draw.num_rows, draw.num_cols)
        own = [shared.compose(shared.sample(each, single))[0] for each in jax.random.split(own_key, draw.num_users)]
        weights = jnp.where(unlike[:, None, None], jnp.stack([jnp.asarray(each) for each in own]), weights)
    problem, sigma = dense_data(data_key, draw, weights)
    if kind == "data":
        orders = jax.vmap(jax.random.permutation)(jax.random.split(order_key, draw.num_users), problem.targets)
        targets = jnp.where(unlike[:, None], orders, problem.targets)
        problem = ct.Problem(problem.sensing, targets, problem.sample_weights)
    aside = np.asarray(unlike)
    return FamilyInstance(problem, np.asarray(weights), sigma, ~aside, known={"unlike": aside})


def _least_squares(
    those: Callable[[FamilyInstance], np.ndarray], instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray
) -> Found:
    """Shared subspaces fitted to some of the users."""
    whole = instance.problem
    weights = whole.sample_weights * jnp.asarray(those(instance), whole.targets.dtype)[:, None]
    starts = (ct.starts.Stacked(), ct.starts.Turned(ct.starts.Stacked()))
    part = ct.Problem(whole.sensing, whole.targets, weights)
    solver = ct.solvers.VariableProjection()
    found = ct.solve_with_restarts(part, solver, starts, _RANK, attempts=_ATTEMPTS, key=key)
    return Found(np.asarray(found.weights), ct.Status(int(found.status)).name, int(found.num_steps))


def _robust(instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> Found:
    """`robust.fit`; users set aside get the best core in the subspaces of the others, so that mistakes count."""
    seed = int(jax.random.randint(key, (), 0, 2**31 - 1))
    found = ct.robust.fit(instance.problem, rank=_RANK, fraction=_FRACTION, seed=seed)
    solution, unlike = found.solution, instance.known["unlike"]
    factors = ct.starts.fit_cores(instance.problem, *map(jnp.asarray, (solution.factors.left, solution.factors.right)))
    measured = {
        "share_found": float(np.mean(found.outliers[unlike])) if unlike.any() else math.nan,
        "share_accused": float(np.mean(found.outliers[~unlike])),
    }
    status = ct.Status(int(solution.status)).name
    return Found(np.asarray(factors.compose()), status, int(solution.num_steps), measured=measured)


def _unknowns(draw: FamilyDraw) -> int:
    return ct.theory.degrees_of_freedom(*draw.shape, _RANK)


_FRACTIONS = "the fraction of users who are unlike the rest"
TRUTHS: dict[str, Truth] = {
    "own_subspaces": Truth(_unknowns, functools.partial(_sample, "subspaces"), _FRACTIONS),
    "corrupted_data": Truth(_unknowns, functools.partial(_sample, "data"), _FRACTIONS),
}
FITS: dict[str, Fit] = {
    "outliers_ignored": functools.partial(_least_squares, lambda instance: np.ones_like(instance.judged)),
    "outliers_found": _robust,
    "outliers_known": functools.partial(_least_squares, lambda instance: instance.judged),
}

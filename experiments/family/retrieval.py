"""A new user among old ones whose cores come in groups: its core fitted, or put together from theirs."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import UNDETERMINED, Fit, Found
from colora_theory.experiments.family.truths import Truth

RANK = 2
CORE = RANK * RANK
GROUPS, MEMBERS = 4, 5
# Of an old user.
OLD_SAMPLES = 40


def _sample(key: PRNGKeyArray, draw: FamilyDraw) -> FamilyInstance:
    """Normal cores; the level is the part of an entry's variance, which is one, that lies within the groups.

    The new user belongs to one of the groups. Old users are fitted together, so the new one meets their estimates.
    """
    side_key, centre_key, own_key, design_key, noise_key = jax.random.split(key, 5)
    if draw.num_users != 1:
        raise ValueError(f"num_users {draw.num_users}: the new user is one, its old ones are {GROUPS * MEMBERS}")
    assert draw.level is not None
    everybody = GROUPS * MEMBERS + 1
    sides = ct.structures.SharedBoth((RANK, RANK)).sample(side_key, (everybody, draw.num_rows, draw.num_cols))
    centres = jax.random.normal(centre_key, (GROUPS, RANK, RANK))[jnp.arange(everybody) % GROUPS]
    own = jax.random.normal(own_key, (everybody, RANK, RANK))
    cores = np.sqrt(1 - draw.level) * centres + np.sqrt(draw.level) * own
    weights = jnp.asarray(ct.structures.SharedBoth((RANK, RANK)).compose(sides | {"cores": cores}))
    # Of mean square ||C||^2, which is the number of its entries.
    sigma = draw.noise * RANK
    most = max(OLD_SAMPLES, draw.num_samples)
    A = np.asarray(jax.random.normal(design_key, (everybody, most, draw.num_rows, draw.num_cols)))
    y = np.einsum("knab,kab->kn", A, weights) + sigma * np.asarray(jax.random.normal(noise_key, (everybody, most)))
    old = ct.Problem.dense(A[1:, :OLD_SAMPLES], y[1:, :OLD_SAMPLES])
    new = ct.Problem.dense(A[:1, : draw.num_samples], y[:1, : draw.num_samples])
    fitted = ct.solve(old, ct.solvers.VariableProjection(), ct.starts.Stacked(), RANK)
    assert isinstance(fitted.factors, ct.Factors)
    factors = fitted.factors.orthonormalize()
    design = np.einsum("nab,ar,bs->nrs", A[0, : draw.num_samples], factors.left, factors.right).reshape(-1, CORE)
    status = ct.Status(int(fitted.status)).name
    known = {"old": old, "factors": factors, "design": design, "status": status}
    return FamilyInstance(new, np.asarray(weights[:1]), sigma, np.ones(1, bool), known=known)


def _found(instance: FamilyInstance, core: np.ndarray) -> Found:
    factors = instance.known["factors"]
    weights = np.asarray(factors.left) @ core.reshape(RANK, RANK) @ np.asarray(factors.right).T
    return Found(weights[None], instance.known["status"], unknowns=CORE)


def _retrieved(options: dict[str, Any], instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> Found:
    found = ct.retrieve(instance.known["factors"], instance.known["old"], instance.problem, **options)
    return _found(instance, found.core)


def _fitted(instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> Found:
    """Least squares in the subspaces of the old users."""
    if draw.num_samples < CORE:
        return Found(None, UNDETERMINED, unknowns=CORE)
    return _found(instance, np.linalg.lstsq(instance.known["design"], np.asarray(instance.problem.targets[0]))[0])


def _normal(instance: FamilyInstance, draw: FamilyDraw, key: PRNGKeyArray) -> Found:
    """The posterior mean, if the cores of old users told a normal law of all cores."""
    design, targets = instance.known["design"], np.asarray(instance.problem.targets[0])
    old = np.asarray(instance.known["factors"].cores).reshape(-1, CORE)
    mean, law = old.mean(axis=0), np.cov(old.T)
    seen = design @ law @ design.T + instance.sigma**2 * np.eye(len(targets))
    return _found(instance, mean + law @ design.T @ np.linalg.solve(seen, targets - design @ mean))


def _unknowns(draw: FamilyDraw) -> int:
    if draw.num_users != 1:
        raise ValueError(f"num_users {draw.num_users}: the new user is one, its old ones are {GROUPS * MEMBERS}")
    return CORE


TRUTHS = {"new_user_of_a_group": Truth(_unknowns, _sample, "the part of the cores' variance within the groups")}
FITS: dict[str, Fit] = {
    **{f"retrieved_by_{way}": functools.partial(_retrieved, {"by": way}) for way in ("residuals", "cores", "moments")},
    "retrieved_from_all": functools.partial(_retrieved, {"neighbours": GROUPS * MEMBERS}),
    "core_fitted": _fitted,
    "core_of_normal_law": _normal,
}

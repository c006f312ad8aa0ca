"""A new user by similarity: its core is put together from those of the most similar old users."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from colora_theory.factors import AbstractFactors, Factors
from colora_theory.inference.adapted import one_user
from colora_theory.inference.noise import as_fitted
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.theory.covariance import measurement_designs

_WAYS = ("residuals", "cores", "moments")


@dataclasses.dataclass(frozen=True)
class Retrieved:
    """What was put together for a new user.

    Attributes:
        core: C, shape (r1, r2), in the bases of the solution.
        weights: W = U C V^T, the frozen weight included, shape (d1, d2).
        shares: what each old user's core has in it, shape (num_users,); they sum to one.
        distances: of each old user, shape (num_users,), in units of the measurements for residuals and moments, of the
            weights for cores.
        neighbours: how many old users have a share.
    """

    core: Float[np.ndarray, "r1 r2"]
    weights: Float[np.ndarray, "d1 d2"]
    shares: Float[np.ndarray, " k"]
    distances: Float[np.ndarray, " k"]
    neighbours: int


def retrieve(
    factors: AbstractFactors,
    old: Problem,
    A: np.ndarray | Problem,
    y: np.ndarray | None = None,
    *,
    by: str = "residuals",
    neighbours: int | None = None,
    sample_weights: np.ndarray | None = None,
) -> Retrieved:
    """The mean core of the old users who are nearest to a new one. Serves from one measurement on.

    With X the design of the new user's core and c_i the core of old user i, the distance is a length of y - X c_i:
    itself (residuals), its least-squares core X^+ (y - X c_i), of least norm where measurements are few (cores), or its
    moment X^T (y - X c_i) / n (moments). Works in the precision of the data and returns numpy arrays.

    Args:
        factors: of the old users.
        old: their data, with the frozen weight; they tell how many neighbours to take.
        A: sensing matrices of the new user, shape (n, d1, d2); or a `Problem` of one user, by any door.
        y: measurements, shape (n,).
        by: the distance: "residuals", "cores" or "moments".
        neighbours: how many old users share in the core, with equal shares; by default the number with which each old
            user's core would have been retrieved best from the others, given as many measurements of its own.
        sample_weights: of the squared residuals of the new user, shape (n,).

    Raises:
        TypeError: for bad data, subspaces that are not shared, or data beside a `Problem`.
        ValueError: for bad data, sizes that do not fit, several new users or another offset, an unknown distance, no
            measurement, a number of neighbours outside 1 .. num_users, or less than two old users to choose it by.
    """
    if not isinstance(factors, Factors):
        raise TypeError(f"the fit is {type(factors).__name__}: shared subspaces are needed, Factors")
    if by not in _WAYS:
        raise ValueError(f"by {by!r} is not one of {', '.join(_WAYS)}")
    users = len(factors.cores)
    if len(old.targets) != users:
        raise ValueError(f"the old problem has {len(old.targets)} users, the fit {users}")
    if neighbours is not None and not 1 <= neighbours <= users:
        raise ValueError(f"neighbours {neighbours} is not in 1 .. {users}, the number of old users")
    with precision_of(*((A.targets,) if isinstance(A, Problem) else (A, y))):
        new = one_user(A, y, None if old.offset is None else np.asarray(old.offset), sample_weights)
        if new.sensing.weights_shape[1:] != old.sensing.weights_shape[1:]:
            raise ValueError(
                f"the new user's weights are {new.sensing.weights_shape[1:]}, the old users' "
                f"{old.sensing.weights_shape[1:]}"
            )
        orthonormal = as_fitted(old, factors).orthonormalize()
        cores = np.asarray(orthonormal.cores, float).reshape(users, -1)
        design, targets, present = _core_data(new, orthonormal)
        count = int(present.sum())
        if count == 0:
            raise ValueError("the new user has 0 measurements: at least 1 is needed")
        distances = _distances(design[0, present[0]], targets[0, present[0]], cores, by)
        if neighbours is None:
            neighbours = _best_number(old, orthonormal, cores, count, by)
    nearest = np.argsort(distances, kind="stable")[:neighbours]
    shares = np.zeros(users)
    shares[nearest] = 1 / neighbours
    dtype = new.targets.dtype
    core = np.einsum("k,krs->rs", shares, np.asarray(factors.cores, float))
    weights = np.asarray(factors.left, float) @ core @ np.asarray(factors.right, float).T
    whole = weights if old.offset is None else weights + np.asarray(old.offset, float)
    return Retrieved(core.astype(dtype), whole.astype(dtype), shares, distances, neighbours)


def _core_data(
    problem: Problem, factors: Factors
) -> tuple[Float[np.ndarray, "k n p"], Float[np.ndarray, "k n"], Bool[np.ndarray, "k n"]]:
    """Designs of the cores, measurements, and which of them there are."""
    dtype, users = problem.targets.dtype, len(problem.targets)
    left, right = (jnp.asarray(side, dtype) for side in (factors.left, factors.right))
    # The design of a core does not depend on any core.
    own, _ = measurement_designs(problem.sensing, left, jnp.zeros((users, *factors.rank), dtype), right)
    design = np.swapaxes(np.asarray(own * problem.scale[:, None], float), 1, 2)
    return design, np.asarray(problem.scaled_targets, float), np.asarray(problem.sample_weights) > 0


def _distances(
    design: Float[np.ndarray, "n p"], targets: Float[np.ndarray, " n"], cores: Float[np.ndarray, "k p"], by: str
) -> Float[np.ndarray, " k"]:
    residuals = targets[:, None] - design @ cores.T
    if by == "residuals":
        return np.sqrt(np.mean(residuals**2, axis=0))
    change = np.linalg.pinv(design) @ residuals if by == "cores" else design.T @ residuals / len(design)
    return np.linalg.norm(change, axis=0)


def _best_number(old: Problem, factors: Factors, cores: Float[np.ndarray, "k p"], count: int, by: str) -> int:
    """With how many neighbours the old users' cores are retrieved best from each other."""
    users = len(cores)
    if users < 2:
        raise ValueError("1 old user leaves nobody to choose the number of neighbours by: give neighbours=1")
    designs, targets, present = _core_data(old, factors)
    losses = np.zeros(users - 1)
    for user, (design, own, there) in enumerate(zip(designs, targets, present, strict=True)):
        seen = np.flatnonzero(there)[:count]
        others = np.delete(cores, user, axis=0)
        if not seen.size:
            continue
        nearest = np.argsort(_distances(design[seen], own[seen], others, by), kind="stable")
        means = np.cumsum(others[nearest], axis=0) / np.arange(1, users)[:, None]
        losses += np.sum((means - cores[user]) ** 2, axis=1)
    return int(np.argmin(losses)) + 1

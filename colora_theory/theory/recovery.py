"""A proved number of samples: recovery from a pooled start by alternating minimization with fresh data."""

import dataclasses
import math

import numpy as np

from colora_theory.factors import Factors

# Constants of the proof of Theorem 10 in docs/theory.md.
_BASIN = 1 / 6
_CORES = 18.0
_FACTORS = 1110.0
_START = 3136.0


@dataclasses.dataclass(frozen=True)
class RecoveryGuarantee:
    """What Theorem 10 asks for, and of which size its three conditions are.

    Attributes:
        num_samples: samples of each user in every batch; infinite if the mean core is singular.
        num_batches: one for the start and four for every sweep, none used twice.
        basin: largest sine of both subspaces from which a sweep is proved to halve it.
        needs: samples of each user that the parts ask for: "cores", "factors", "start".
    """

    num_samples: float
    num_batches: int
    basin: float
    needs: dict[str, float]


def recovery_guarantee(truth: Factors, *, sweeps: int, failure: float = 0.01) -> RecoveryGuarantee:
    """Samples with which recovery is proved, for Gaussian measurements without noise.

    With probability at least 1 - failure the sines of both subspaces are then at most `basin` after the pooled start
    and are halved by each of `sweeps` sweeps (cores, U, cores, V), every update of which sees fresh data; the relative
    error of the weights at the end is at most 1.6 times the larger sine. The constants are those of a proof, hundreds
    of times what suffices in practice; what the theorem shows is how the need falls with the number of users and rises
    as the tasks become less similar. Proof in docs/theory.md.

    Args:
        truth: orthonormal subspaces and cores, r1 = r2.
        sweeps: at least 1.
        failure: probability of failing that is allowed, in (0, 1).

    Raises:
        ValueError: for r1 != r2 (a pooled start sees only min(r1, r2) directions), rank-deficient stacked cores, or
            numbers out of their ranges.
    """
    cores = np.asarray(truth.cores, float)
    num_users, r1, r2 = cores.shape
    if r1 != r2:
        raise ValueError(f"rank {(r1, r2)}: a pooled start sees only {min(r1, r2)} directions of each side")
    if sweeps < 1:
        raise ValueError(f"sweeps {sweeps} is below 1")
    if not 0 < failure < 1:
        raise ValueError(f"failure {failure} is outside (0, 1)")
    size = max(truth.left.shape[0], truth.right.shape[0])
    weakest = min(np.linalg.norm(stack, -2) for stack in (np.hstack(list(cores)), cores.reshape(-1, r2)))
    energies = np.sum(np.square(cores), axis=(1, 2))
    rounding = np.finfo(float).eps * size
    if weakest <= np.sqrt(np.sum(energies)) * rounding:
        raise ValueError(f"the stacked cores are rank deficient: smallest singular value {weakest}")
    condition = np.sum(energies) / weakest**2
    spread = np.max(energies) / np.mean(energies)
    mean_core = np.linalg.norm(np.mean(cores, axis=0), -2)
    deviation = 2 * math.log(14 * num_users * sweeps / failure)
    net = (truth.left.shape[0] + truth.right.shape[0]) * math.log(9) + deviation / 2
    singular = mean_core <= np.sqrt(np.mean(energies)) * rounding
    dissimilarity = math.inf if singular else float(np.mean(energies) / mean_core**2)
    needs = {
        "cores": _CORES * (r1 * r2 + deviation),
        "factors": float(_FACTORS * spread * condition**2 * (size + deviation) / num_users),
        "start": float(_START * condition * dissimilarity * net / num_users),
    }
    return RecoveryGuarantee(max(needs.values()), 1 + 4 * sweeps, float(_BASIN / math.sqrt(condition)), needs)

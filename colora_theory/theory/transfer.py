"""When collaboration stops paying: errors predicted for subspaces that are not quite shared."""

import dataclasses
import math

import jax
import numpy as np
import scipy.optimize
from jaxtyping import PRNGKeyArray

from colora_theory.factors import AbstractFactors
from colora_theory.synthetic import TaskFamily
from colora_theory.theory.laws import noise_law

_SWEEPS = 20


@dataclasses.dataclass(frozen=True)
class TransferErrors:
    """Predicted mean over users of E ||W^_i - W_i||_F^2.

    Attributes:
        together: of shared subspaces with personal cores.
        alone: of each user for itself.
        pooled: of one adapter for all.
    """

    together: float
    alone: float
    pooled: float


def transfer_errors(truth: AbstractFactors, num_samples: int, noise: float) -> TransferErrors:
    """What three ways to fit the same data cost, for a Gaussian design of unit variance.

    What a model cannot express, m_i = ||W_i - best W_i of the model||_F^2, is paid twice: as bias, and as noise, since
    <A_ij, what is left> is Gaussian of variance m_i and independent of what is fitted. So the error is
    m + law(sigma^2 + m), the law being `noise_law`; see docs/theory.md. Infinite where there are too few samples.

    Args:
        truth: the weights, with shared or personal subspaces.
        num_samples: samples of each user.
        noise: sigma, standard deviation of a measurement.
    """
    weights = np.asarray(truth.compose(), float)
    num_users, d1, d2 = weights.shape
    ranks = truth.left.shape[-1], truth.right.shape[-1]

    left, right = _best_subspaces(weights, *ranks)
    cores = left.T @ weights @ right
    misfit = _lost(weights, cores)
    together = misfit + float(np.mean(noise_law(cores, d1, d2, num_samples, math.hypot(noise, math.sqrt(misfit)))))

    own = [_diagonal_core(weight, min(ranks)) for weight in weights]
    alone = float(np.mean([noise_law(core, d1, d2, num_samples, noise)[0] for core in own]))

    average = np.mean(weights, axis=0)
    core = _diagonal_core(average, min(ranks))
    misfit = float(np.mean(np.sum((weights - average) ** 2, axis=(1, 2)))) + _lost(average[None], core)
    pooled = misfit + noise_law(core, d1, d2, num_users * num_samples, math.hypot(noise, math.sqrt(misfit)))[0]
    return TransferErrors(together, alone, float(pooled))


def misalignment_crossing(
    family: TaskFamily, num_samples: int, noise: float, *, key: PRNGKeyArray, draws: int = 8
) -> float:
    """The misalignment (a sine) at which a user is as well off alone as together.

    Beyond it collaboration hurts: negative transfer. Averages the predicted errors over truths of the family.

    Args:
        family: the tasks; its own misalignment is not looked at.
        num_samples: samples of each user.
        noise: sigma, standard deviation of a measurement.
        key: randomness of the truths.
        draws: how many.

    Returns:
        A sine in (0, 1); 0 if a user is better off alone even with shared subspaces, infinity if never.
    """
    keys = jax.random.split(key, draws)

    def advantage(sine: float) -> float:
        members = TaskFamily(
            family.num_users,
            family.num_rows,
            family.num_cols,
            family.rank,
            family.similarity,
            sine,
            family.condition_number,
        )
        errors = [transfer_errors(members.sample_truth(each), num_samples, noise) for each in keys]
        alone, together = (float(np.mean([getattr(error, way) for error in errors])) for way in ("alone", "together"))
        return alone - together if math.isfinite(alone) else math.inf

    if advantage(0.0) <= 0:
        return 0.0
    if advantage(1.0) >= 0:
        return math.inf
    return float(scipy.optimize.brentq(advantage, 0.0, 1.0, xtol=1e-4))


def _best_subspaces(weights: np.ndarray, r1: int, r2: int) -> tuple[np.ndarray, np.ndarray]:
    """Shared subspaces that keep the most of the squared norms: higher-order orthogonal iteration."""
    right = np.linalg.eigh(np.einsum("kab,kac->bc", weights, weights))[1][:, -r2:]
    for _ in range(_SWEEPS):
        seen = weights @ right
        left = np.linalg.eigh(np.einsum("kas,kcs->ac", seen, seen))[1][:, -r1:]
        seen = np.swapaxes(weights, 1, 2) @ left
        right = np.linalg.eigh(np.einsum("kbr,kcr->bc", seen, seen))[1][:, -r2:]
    return left, right


def _lost(weights: np.ndarray, cores: np.ndarray) -> float:
    """The mean squared norm that a projection to these cores leaves out; rounding does not make it negative."""
    return max(float(np.mean(np.sum(weights**2, axis=(1, 2)) - np.sum(cores**2, axis=(1, 2)))), 0.0)


def _diagonal_core(weight: np.ndarray, rank: int) -> np.ndarray:
    return np.diag(np.linalg.svd(weight, compute_uv=False)[:rank])[None]

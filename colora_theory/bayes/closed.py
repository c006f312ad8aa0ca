"""Posteriors in closed form: of the cores in given subspaces, and of everything on the tangent space."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from colora_theory.bayes.posterior import Posterior
from colora_theory.empirical_bayes import Prior, shrink
from colora_theory.factors import AbstractFactors, Factors
from colora_theory.inference import NoiseEstimate, Reliability, estimate_noise
from colora_theory.inference.noise import as_fitted
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.theory import FactorCovariance
from colora_theory.theory.covariance import measurement_designs
from colora_theory.theory.tangent import TangentGram, is_singular


def isotropic(mean: np.ndarray, tau: float) -> Prior:
    """The prior N(mean, tau^2) of every core.

    Args:
        mean: the common core, shape (r1, r2), in the bases of the factors it is used with.
        tau: standard deviation of an entry of a core.

    Raises:
        ValueError: for a tau that is not above zero, or a mean that is not finite or no matrix.
    """
    centre = np.asarray(mean, float)
    if not 0 < tau < math.inf:
        raise ValueError(f"tau {tau} is not above 0 and finite: it is a standard deviation")
    if centre.ndim != 2 or not np.isfinite(centre).all():
        raise ValueError(f"the mean core has shape {centre.shape}, or is not finite: (r1, r2) is needed")
    return Prior(jnp.asarray(centre.reshape(-1)), jnp.asarray(tau**2 * np.eye(centre.size)))


def given_subspaces(
    problem: Problem, factors: AbstractFactors, *, prior: Prior | None = None, noise: float | None = None
) -> Posterior:
    """The posterior of the cores, the subspaces being known: normal, and exact for given prior and noise.

    vec C_i ~ N(m, G) and y_ij ~ N(<A_ij, U C_i V^T>, sigma^2 / w_ij) give C_i the covariance (X_i^T X_i / sigma^2 +
    G^-1)^-1, X_i being the scaled design of the core. It says nothing of the errors of U and V: see `laplace`.

    Args:
        problem: the data.
        factors: whose subspaces are taken; without a prior, where `shrink` starts from.
        prior: of the cores, in the bases of `factors`; by default subspaces, prior and noise are those of `shrink`.
        noise: sigma, standard deviation of a measurement of weight one; by default that of `shrink`, or with a prior
            that of `estimate_noise`.

    Raises:
        TypeError: if the subspaces are not shared.
        ValueError: for a noise that is not above zero or cannot be estimated, factors of other sizes than the
            problem's, or a prior of other sizes than the cores' or with a singular covariance.
    """
    with precision_of(problem.targets):
        point = _point(problem, factors, prior, noise)
        size = point.factors.left.size + point.factors.right.size
        users, p = len(point.cores), point.cores.shape[1]
        left, right = (np.asarray(side, float) for side in (point.factors.left, point.factors.right))
        covariance = FactorCovariance(
            left,
            point.cores.reshape(users, *point.factors.rank),
            right,
            point.noise**2 * point.inverse,
            np.zeros((users, p, size)),
            np.zeros((size, size)),
            np.ones(users, bool),
        )
    return _posterior(problem, point, covariance, users * p)


def laplace(
    problem: Problem, factors: AbstractFactors, *, prior: Prior | None = None, noise: float | None = None
) -> Posterior:
    """The Laplace approximation over cores and subspaces, U and V being uniform on the Grassmannians beforehand.

    Normal on the tangent space with the covariance (J^T J / sigma^2 + G^-1 on the cores)^-1 of Gauss and Newton, the
    cores eliminated block by block. Around the posterior means of the cores in the subspaces of `shrink`, which have
    the largest marginal likelihood; with a prior given, in those of `factors`, which should then be a good fit. To
    first order in the errors of U and V. With a flat prior it is `Uncertainty`.

    Args:
        problem: the data.
        factors: see `given_subspaces`, as for the next two.
        prior: of the cores.
        noise: sigma.

    Raises:
        TypeError, ValueError: see `given_subspaces`; and if the stacked cores are rank deficient or the data leave
            directions of the subspaces unseen.
    """
    with precision_of(problem.targets):
        point = _point(problem, factors, prior, noise)
        users, (r1, r2) = len(point.cores), point.factors.rank
        cores = jnp.asarray(point.cores.reshape(users, r1, r2), problem.targets.dtype)
        gram = TangentGram.at(problem, Factors(point.factors.left, cores, point.factors.right))
        left, _, right, _ = gram.bases
        turn = _turn((left, right), point.factors)
        # The noise's square is the unit of all blocks.
        known = dataclasses.replace(gram, own=gram.own + point.noise**2 * turn @ point.precision @ turn.T)
        reduced, inverse = known.reduced()
        if is_singular(reduced):
            raise ValueError("the measurements leave directions of the subspaces unseen: take more of them")
        shared = point.noise**2 * np.linalg.inv(reduced)
        passed = inverse @ gram.coupling
        half = gram.expand(shared)
        whole = gram.expand(half.T)
        covariance = FactorCovariance(
            left,
            gram.cores,
            right,
            point.noise**2 * inverse + passed @ shared @ np.swapaxes(passed, 1, 2),
            -(passed @ half.T),
            (whole + whole.T) / 2,
            np.ones(users, bool),
        )
        point = dataclasses.replace(point, precision=turn @ point.precision @ turn.T)
    return _posterior(problem, point, covariance, gram.dimension)


@dataclasses.dataclass(frozen=True)
class _Point:
    """Orthonormal subspaces, the posterior of the cores in them, and what it rests on."""

    factors: Factors
    cores: Float[np.ndarray, "k p"]
    inverse: Float[np.ndarray, "k p p"]
    precision: Float[np.ndarray, "p p"]
    noise: float
    noise_given: bool
    warning: str


def _point(problem: Problem, factors: AbstractFactors, prior: Prior | None, noise: float | None) -> _Point:
    fitted, warning, sigma = as_fitted(problem, factors), "", noise
    if prior is None:
        shrunk = shrink(problem, fitted)
        if not bool(shrunk.converged):
            warning = f"shrink had not settled after {int(shrunk.num_steps)} steps"
        fitted, prior = shrunk.factors, shrunk.prior
        sigma = float(shrunk.noise) if noise is None else noise
    elif noise is None:
        sigma = estimate_noise(problem, fitted).sigma
    if sigma is None or not 0 < sigma < math.inf:
        raise ValueError(f"noise {sigma} is not above 0 and finite: give its standard deviation, or more measurements")
    orthonormal = fitted.orthonormalize()
    users, p = len(fitted.cores), math.prod(fitted.rank)
    if prior.mean.shape != (p,) or prior.covariance.shape != (p, p):
        raise ValueError(f"the prior is of {prior.mean.shape[0]} entries, the cores of rank {fitted.rank} have {p}")
    turn = _turn((orthonormal.left, orthonormal.right), fitted)
    mean = turn @ np.asarray(prior.mean, float)
    covariance = turn @ np.asarray(prior.covariance, float) @ turn.T
    if is_singular(covariance):
        raise ValueError("the covariance of the prior is singular: every direction of a core needs some spread")
    precision = np.linalg.inv(covariance)
    dtype = problem.targets.dtype
    own, _ = measurement_designs(
        problem.sensing, orthonormal.left, jnp.zeros((users, *fitted.rank), dtype), orthonormal.right
    )
    design = np.asarray(own * problem.scale[:, None], float)
    inverse = np.linalg.inv(design @ np.swapaxes(design, 1, 2) + sigma**2 * precision)
    surprise = np.asarray(problem.scaled_targets, float) - np.einsum("kpn,p->kn", design, mean)
    cores = mean + np.einsum("kpq,kqn,kn->kp", inverse, design, surprise, optimize=True)
    return _Point(orthonormal, cores, inverse, precision, sigma, noise is not None, warning)


def _turn(bases: tuple[np.ndarray, np.ndarray] | tuple[jax.Array, jax.Array], factors: Factors) -> np.ndarray:
    """What takes the entries of a core to those in other orthonormal bases."""
    left, right = (np.asarray(side, float) for side in bases)
    return np.kron(left.T @ np.asarray(factors.left, float), right.T @ np.asarray(factors.right, float))


def _posterior(problem: Problem, point: _Point, covariance: FactorCovariance, unknowns: int) -> Posterior:
    counts = np.count_nonzero(np.asarray(problem.sample_weights), axis=1)
    # What the prior tells is not learnt from the data (D. J. C. MacKay, Neural Computation 4, 1992).
    learnt = unknowns - float(np.einsum("pq,kqp->", point.precision, covariance.own))
    spare = float(counts.sum()) - learnt
    none = np.full(len(counts), math.nan)
    known = NoiseEstimate(point.noise, int(spare), max(round(learnt), 1), none, counts, none, none)
    judged = Reliability.of(covariance, known)
    reason = point.warning or judged.reason
    offset = None if problem.offset is None else np.asarray(problem.offset, float)
    return Posterior(
        covariance,
        point.noise,
        math.inf if point.noise_given else spare,
        learnt,
        offset,
        judged.reliable and not point.warning,
        reason,
    )

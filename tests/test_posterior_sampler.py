"""The closed forms beside draws by NUTS (blackjax), which knows of a posterior its density alone."""

import functools
import math
from typing import NamedTuple

import blackjax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special

import colora_theory as ct
from colora_theory import bayes

CHAINS, WARM_UP = 4, 300
SMALL, SMALL_RANK = (5, 4, 3), (2, 1)
LARGE, LARGE_RANK = (10, 6, 5), (2, 2)


class Drawn(NamedTuple):
    """Subspaces drawn evenly, cores from N(0, 1), data with noise sigma, and matrices of ten new measurements each."""

    truth: ct.Factors
    problem: ct.Problem
    sigma: float
    new: np.ndarray

    @property
    def prior(self):
        return bayes.isotropic(np.zeros(self.truth.rank), 1.0)

    @property
    def new_sensing(self):
        return ct.Problem.dense(self.new, np.zeros(self.new.shape[:2])).sensing

    def measured(self, weights):
        return np.einsum("knab,...kab->...kn", self.new, weights, optimize=True)


def drawn(seed, shape, rank, oversampling, noise):
    """Noise relative to the signal."""
    rng = np.random.default_rng(seed)
    users, *sizes = shape
    left, right = (np.linalg.qr(rng.standard_normal((d, r)))[0] for d, r in zip(sizes, rank, strict=True))
    truth = ct.Factors(*(jnp.asarray(each) for each in (left, rng.standard_normal((users, *rank)), right)))
    num_samples = math.ceil(oversampling * ct.theory.degrees_of_freedom(*shape, rank) / users)
    A, new = (rng.standard_normal((users, count, *sizes)) for count in (num_samples, 10))
    # A measurement has the mean square of its weights, r1 r2.
    sigma = noise * math.sqrt(math.prod(rank))
    y = np.einsum("knab,kab->kn", A, truth.compose()) + sigma * rng.standard_normal((users, num_samples))
    return Drawn(truth, ct.Problem.dense(A, y), sigma, new)


@functools.partial(jax.jit, static_argnames=("log_density", "count"))
def by_nuts(key, log_density, known, begun, count):
    """A chain from each start, with a step and a metric of its own, shape (chains, count, p)."""

    def chain(begin):
        key, position = begin
        density = functools.partial(log_density, known)
        first, second = jax.random.split(key)
        (state, tuned), _ = blackjax.window_adaptation(blackjax.nuts, density).run(first, position, num_steps=WARM_UP)
        kernel = blackjax.nuts(density, **tuned)

        def step(state, key):
            state, _ = kernel.step(key, state)
            return state, state.position

        return jax.lax.scan(step, state, jax.random.split(second, count))[1]

    with jax.numpy_dtype_promotion("standard"):  # which blackjax relies on
        return jax.lax.map(chain, (jax.random.split(key, len(begun)), begun))


def effective(draws):
    """How many independent draws would tell each mean as well; few, too, if the chains disagree."""
    with jax.numpy_dtype_promotion("standard"):
        return np.asarray(jax.jit(blackjax.ess)(draws.reshape(*draws.shape[:2], -1))).reshape(draws.shape[2:])


def standard_errors(draws):
    return np.std(draws, axis=(0, 1)) / np.sqrt(effective(draws))


def misfit(problem, sigma, weights):
    told = jnp.einsum("abkn,kab->kn", problem.sensing.entries, weights)
    return jnp.sum(jnp.square(problem.targets - told)) / (2 * sigma**2)


def of_cores(known, point):
    """Log density of all cores in known subspaces."""
    problem, sigma, factors = known
    moved = ct.Factors(factors.left, point.reshape(factors.cores.shape), factors.right)
    return -misfit(problem, sigma, moved.compose()) - jnp.sum(point**2) / 2


def in_chart(factors, point):
    """All weights and minus the log density of their prior, subspaces being graphs over those of the factors.

    The graph P of a subspace drawn evenly has the density det(1 + P^T P)^(-d/2); cores from N(0, 1) are so in any
    orthonormal bases. One point for every pair of subspaces, but those with a direction orthogonal to the given ones.
    """
    k, r1, r2 = factors.cores.shape
    cores, *graphs = jnp.split(point, np.cumsum([k * r1 * r2, (len(factors.left) - r1) * r1]))
    bases, surprise = [], jnp.sum(cores**2) / 2
    for side, graph in zip((factors.left, factors.right), graphs, strict=True):
        d, r = side.shape
        outside = jnp.linalg.qr(side, mode="complete")[0][:, r:]
        moved = side + outside @ graph.reshape(d - r, r)
        root = jnp.linalg.cholesky(moved.T @ moved)
        bases.append(jax.scipy.linalg.solve_triangular(root, moved.T, lower=True).T)
        surprise += d * jnp.sum(jnp.log(jnp.diag(root)))
    return ct.Factors(bases[0], cores.reshape(k, r1, r2), bases[1]).compose(), surprise


def of_everything(known, point):
    """Log density of cores and subspaces."""
    problem, sigma, factors = known
    weights, surprise = in_chart(factors, point)
    return -misfit(problem, sigma, weights) - surprise


def point_of(posterior):
    at = posterior.covariance
    return ct.Factors(*(jnp.asarray(each) for each in (at.left, at.cores, at.right)))


def nearby(case, factors, unknowns, seed):
    """Starts around the cores, of the spread of the noise."""
    begun = case.sigma * np.random.default_rng(seed).standard_normal((CHAINS, unknowns))
    begun[:, : factors.cores.size] += np.asarray(factors.cores).ravel()
    return jnp.asarray(begun)


def predicted(case, laplace, seed, count):
    """The means of new measurements in draws around Laplace's point, shape (chains, count, users, 10)."""
    factors = point_of(laplace)
    unknowns = ct.theory.degrees_of_freedom(*case.problem.sensing.weights_shape, factors.rank)
    known = (case.problem, jnp.asarray(case.sigma), factors)
    draws = by_nuts(jax.random.key(seed), of_everything, known, nearby(case, factors, unknowns, seed), count)
    weights, _ = jax.jit(jax.vmap(jax.vmap(in_chart, (None, 0)), (None, 0)))(factors, draws)
    return case.measured(weights)


def next_to_the_truth(case):
    near = ct.starts.Near(case.truth)
    return ct.solve(case.problem, ct.solvers.VariableProjection(), near, case.truth.rank).factors


def beside_laplace(seed, shape, rank, noise, count=1000):
    """Of new measurements at four for each unknown, in units of Laplace's deviations: draws, centred on its means."""
    case = drawn(seed, shape, rank, 4.0, noise)
    laplace = bayes.laplace(case.problem, next_to_the_truth(case), prior=case.prior, noise=case.sigma)
    told = laplace.predictions(case.new_sensing, with_noise=False)
    return (predicted(case, laplace, seed, count) - told.estimate) / told.standard_error


def test_means_and_covariances_of_cores_in_known_subspaces():
    case = drawn(0, SMALL, SMALL_RANK, 2.0, 0.7)
    found = bayes.given_subspaces(case.problem, case.truth, prior=case.prior, noise=case.sigma)
    factors, own = point_of(found), found.covariance.own
    known = (case.problem, jnp.asarray(case.sigma), factors)
    begun = nearby(case, factors, factors.cores.size, 0)
    apart = np.asarray(by_nuts(jax.random.key(0), of_cores, known, begun, 1000)) - np.asarray(factors.cores).ravel()
    assert np.all(np.abs(np.mean(apart, axis=(0, 1))) < 5 * standard_errors(apart))
    products = apart[..., :, None] * apart[..., None, :]
    covariance = np.asarray(jax.scipy.linalg.block_diag(*own))
    assert np.all(np.abs(np.mean(products, axis=(0, 1)) - covariance) < 5 * standard_errors(products))


def test_with_little_noise_laplace_is_the_posterior():
    """Deviations within five standard errors; means, too, but for what is quadratic in the noise."""
    apart = beside_laplace(0, SMALL, SMALL_RANK, 0.02)
    assert np.min(effective(apart)) > 1000
    assert np.all(np.abs(np.mean(apart, axis=(0, 1))) < 5 * standard_errors(apart) + 0.05)
    squares = np.square(apart - np.mean(apart, axis=(0, 1)))
    assert np.all(np.abs(np.mean(squares, axis=(0, 1)) - 1) < 5 * standard_errors(squares))


@pytest.mark.long
def test_laplace_errs_by_the_square_of_the_noise():
    """Its means differ from the posterior's by the noise times the deviations, its deviations by few percent."""
    for noise in (0.3, 0.1, 0.03):
        means, deviations = [], []
        for seed in range(5):
            apart = beside_laplace(seed, LARGE, LARGE_RANK, noise)
            means.append(np.square(np.mean(apart, axis=(0, 1))) - np.square(standard_errors(apart)))
            deviations.append(np.std(apart, axis=(0, 1)))
        shift, ratio = math.sqrt(max(np.mean(means), 0.0)), np.mean(deviations)
        low, high = np.quantile(deviations, [0.01, 0.99])
        print(f"noise {noise}: means apart by {shift:.3f} deviations; deviations {ratio:.3f} [{low:.2f}, {high:.2f}]")
        assert shift < 0.5 * noise
        assert abs(ratio - 1) < 0.02


@pytest.mark.long
def test_where_data_are_few_the_posterior_is_calibrated_and_laplace_is_not():
    """Truths are drawn from the prior: of these the posterior holds what it says, if the draws are of it.

    Coverage of the means of new measurements, and of new measurements, by nominal 90% intervals between quantiles.
    """
    level, num_draws = 0.9, 60
    covered, squares, noises, stuck = {}, {}, [], 0
    for seed in range(num_draws):
        case = drawn(seed, LARGE, LARGE_RANK, 1.5, 0.25)
        fitted = next_to_the_truth(case)
        given = functools.partial(bayes.laplace, case.problem, fitted)
        ways = {
            "Laplace": given(prior=case.prior, noise=case.sigma),
            "Laplace, prior estimated": given(noise=case.sigma),
            "Laplace, prior and noise estimated": given(),
            "subspaces known": bayes.given_subspaces(case.problem, fitted, prior=case.prior, noise=case.sigma),
        }
        noises.append((ways["Laplace, prior and noise estimated"].noise / case.sigma) ** 2)
        means = case.measured(np.asarray(case.truth.compose()))
        new = means + case.sigma * np.random.default_rng([seed, 1]).standard_normal(means.shape)
        draws = predicted(case, ways["Laplace"], seed, 500)
        stuck += np.min(effective(draws)) < 100
        draws = draws.reshape(-1, *means.shape)
        ranks = np.mean(draws < means, axis=0), np.mean(special.ndtr((new - draws) / case.sigma), axis=0)
        told = {"NUTS": tuple(np.abs(rank - 0.5) < level / 2 for rank in ranks)}
        centres = {"NUTS": np.mean(draws, axis=0)}
        for name, way in ways.items():
            clean, noisy = (way.predictions(case.new_sensing, level, with_noise=noise) for noise in (False, True))
            told[name], centres[name] = (clean.contains(means), noisy.contains(new)), clean.estimate
        for name, held in told.items():
            covered.setdefault(name, []).append(np.mean(held, axis=(1, 2)))
            squares.setdefault(name, []).append(np.mean(np.square(centres[name] - means)) / case.sigma**2)
    shares = {name: np.array(each) for name, each in covered.items()}
    errors = {name: np.std(each, axis=0, ddof=1) / math.sqrt(num_draws) for name, each in shares.items()}
    for name, each in shares.items():
        of_means, of_new = (f"{m:.3f} +- {2 * e:.3f}" for m, e in zip(each.mean(axis=0), errors[name], strict=True))
        square = np.mean(squares[name])
        print(f"{name}: covers means {of_means}, new measurements {of_new}; squared error {square:.2f} sigma^2")
    print(
        f"estimated over true variance of the noise {np.mean(noises):.2f}; chains apart in {stuck} of {num_draws} draws"
    )
    assert np.all(np.abs(shares["NUTS"].mean(axis=0) - level) < 5 * errors["NUTS"])
    for lower, upper in (("Laplace", "NUTS"), ("Laplace, prior and noise estimated", "Laplace")):
        short = shares[upper] - shares[lower]
        assert np.all(short.mean(axis=0) > 2 * np.std(short, axis=0, ddof=1) / math.sqrt(num_draws))

"""What users get who share nothing, or everything: held-out errors of fits alone and pooled, at ranks of their own."""

import itertools
from collections.abc import Callable, Iterator

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from colora_theory.baselines import alone
from colora_theory.problem import Problem
from colora_theory.selection.nested import NestedAlternating, fit_nested
from colora_theory.selection.samples import AbstractSamples
from colora_theory.starts import Stacked, fit_cores

# Ranks above this one are left to full least squares, and steps of each user's fit.
_LARGEST_RANK = 4
_STEPS = 60
# Numbers in the normal matrices of full least squares, all users together.
_MOST_NUMBERS = 10**8

# Losses of every option, shape (options, k, n), after fits to a part of the samples.
Fits = Callable[[np.ndarray], Float[np.ndarray, "o k n"]]


def alone_fits(samples: AbstractSamples) -> Fits:
    """Every user on its own: W_0, ranks 1 to 4, and full least squares where a user has the samples for it."""
    num_users, num_rows, num_cols = shape = samples.train(samples.present).sensing.weights_shape
    largest = min(_LARGEST_RANK, num_rows, num_cols)
    size = num_rows * num_cols
    full = largest < min(num_rows, num_cols) and num_users * size**2 <= _MOST_NUMBERS

    def fits(kept: np.ndarray) -> np.ndarray:
        problem = samples.train(kept)
        losses = [samples.energies(shape)]
        for rank in range(1, largest + 1):
            solver = NestedAlternating.of((rank, rank), (largest, largest), problem.targets.dtype)
            losses.append(samples.losses(_each_alone(problem, solver, largest)))
        if full:
            enough = np.count_nonzero(kept, axis=1) * samples.measurements_each >= size
            every = samples.losses(_least_squares(problem)) if enough.any() else losses[0]
            losses.append(np.where(enough[:, None], every, np.inf))
        return np.stack(losses)

    return fits


def pooled_fits(samples: AbstractSamples) -> Fits:
    """One matrix for all users: W_0, and ranks 1 to 4."""
    shape = samples.train(samples.present).sensing.weights_shape
    largest = min(_LARGEST_RANK, *shape[1:])

    def fits(kept: np.ndarray) -> np.ndarray:
        merged = samples.train(kept).merge_users()
        losses = [samples.energies(shape)]
        for rank in range(1, largest + 1):
            one = fit_nested(merged, (rank, rank), (largest, largest)).compose()
            losses.append(samples.losses(jnp.broadcast_to(one, shape)))
        return np.stack(losses)

    return fits


def held_out(fits: Fits, assigned: Int[np.ndarray, "k n"], together: bool) -> Float[np.ndarray, "k n"]:
    """Losses of samples that neither the fit nor the choice of its option has seen: nested cross-validation.

    For an outer fold the option is the one with the smallest loss on the other folds, each predicted by fits that have
    seen neither it nor the outer one. A pair of folds serves both of its orders.

    Args:
        fits: the options.
        assigned: fold of every sample, -1 for padding; at least three folds.
        together: whether one option is chosen for all users, or each has its own.
    """
    folds = int(assigned.max()) + 1
    inner = {pair: fits(_without(assigned, *pair)) for pair in itertools.combinations(range(folds), 2)}
    held = np.zeros(assigned.shape)
    for fold in range(folds):
        parts = [
            np.sum(inner[min(fold, other), max(fold, other)], axis=2, where=assigned == other)
            for other in _others(folds, fold)
        ]
        totals = np.sum(parts, axis=0)
        best = np.broadcast_to(np.argmin(totals.sum(axis=1)), len(assigned)) if together else np.argmin(totals, axis=0)
        losses = fits(_without(assigned, fold))[best, np.arange(len(assigned))]
        held += np.where(assigned == fold, losses, 0.0)
    return held


def _others(folds: int, fold: int) -> Iterator[int]:
    return (other for other in range(folds) if other != fold)


def _without(assigned: np.ndarray, *folds: int) -> np.ndarray:
    return (assigned >= 0) & ~np.isin(assigned, folds)


@eqx.filter_jit
def _each_alone(problem: Problem, solver: NestedAlternating, largest: int) -> Float[Array, "k d1 d2"]:
    return jnp.asarray(alone(problem, largest, solver, Stacked(), max_steps=_STEPS).factors.compose())


@eqx.filter_jit
def _least_squares(problem: Problem) -> Float[Array, "k d1 d2"]:
    _, num_rows, num_cols = problem.sensing.weights_shape
    dtype = problem.targets.dtype
    return fit_cores(problem, jnp.eye(num_rows, dtype=dtype), jnp.eye(num_cols, dtype=dtype)).cores

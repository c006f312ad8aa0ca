"""What can be held out: the measurements of every user, kept or left out by weights of one and zero."""

import abc
import contextlib
from typing import cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from colora_theory.checks import OwnData
from colora_theory.frames import Frame, columns_as_arrays, is_frame, split_by_user
from colora_theory.linalg import AnyArray
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.sensing import Streamed, VectorOutput


class AbstractSamples(abc.ABC):
    """The samples of all users, of which any part can be fitted and the rest be predicted.

    Whatever is left out, the problems have the same shapes: one compiled program fits them all.

    Attributes:
        present: which samples there are, shape (k, n); False is padding.
        measurements_each: scalar measurements of a sample: the length of an output, or 1.
        dtype: of the measurements.
    """

    present: Bool[np.ndarray, "k n"]
    measurements_each: int
    dtype: np.dtype

    @abc.abstractmethod
    def train(self, kept: Bool[np.ndarray, "k n"]) -> Problem:
        """The problem of the samples that are kept."""

    @abc.abstractmethod
    def losses(self, adapters: Float[AnyArray, "k d1 d2"]) -> Float[np.ndarray, "k n"]:
        """Weighted squared error of every sample if the weights are W_0 plus `adapters`; 0 for padding."""

    @property
    def num_samples(self) -> np.ndarray:
        """Of each user, shape (k,)."""
        return np.count_nonzero(self.present, axis=1)

    @property
    def num_measurements(self) -> int:
        """N, of all users."""
        return int(self.num_samples.sum()) * self.measurements_each

    def energies(self, shape: tuple[int, int, int]) -> Float[np.ndarray, "k n"]:
        """Squared error of every sample if every user has W_0."""
        return self.losses(np.zeros(shape))


class ProblemSamples(AbstractSamples):
    """The samples of a `Problem` that holds all of them.

    Raises:
        ValueError: for a streamed problem, for virtual samples of vector outputs, and if no sample is present.
    """

    def __init__(self, problem: Problem):
        sensing = problem.sensing
        if isinstance(sensing, Streamed):
            raise ValueError(
                "a streamed problem cannot be held out in parts: every fit would read the file in each of its steps. "
                "Load a share of the samples that fits in memory, with Problem.dense"
            )
        if isinstance(sensing, VectorOutput) and _is_virtual(np.asarray(sensing.inputs)):
            raise ValueError(
                "the problem holds virtual samples of vector outputs, which cannot be held out one by one: give the "
                "samples themselves, as selection.OutputSamples(X, Y)"
            )
        self.problem = problem
        self.dtype = np.dtype(problem.targets.dtype)
        self.measurements_each = sensing.num_rows if isinstance(sensing, VectorOutput) else 1
        weights = _by_sample(np.asarray(problem.sample_weights), self.measurements_each)
        self.present = weights.max(axis=2) > 0
        if not self.present.any():
            raise ValueError("no user has a sample: at least 1 is needed")

    def train(self, kept: Bool[np.ndarray, "k n"]) -> Problem:
        each = np.repeat(kept, self.measurements_each, axis=1)
        weights = jnp.where(jnp.asarray(each), self.problem.sample_weights, 0.0)
        problem: Problem = eqx.tree_at(lambda problem: problem.sample_weights, self.problem, weights)
        return problem

    def losses(self, adapters: Float[AnyArray, "k d1 d2"]) -> Float[np.ndarray, "k n"]:
        squares = _squares(self.problem, jnp.asarray(adapters, self.problem.targets.dtype))
        return _by_sample(np.asarray(squares, float), self.measurements_each).sum(axis=2)


class OutputSamples(AbstractSamples):
    """Inputs and outputs of linear layers, y_ij = W_i x_ij, sample by sample.

    A `Problem.vector_output` with more samples than columns holds virtual samples, of which none can be left out; here
    each part passes that door on its own.

    Args:
        X: inputs, shape (k, n, d2), or a sequence over users of arrays (n_i, d2).
        Y: outputs, shape (k, n, d1), or a sequence over users of arrays (n_i, d1).
        offset: the frozen weight W_0, shape (d1, d2); zero if left out.

    Raises:
        TypeError, ValueError: as `Problem.vector_output`.
    """

    def __init__(self, X: OwnData, Y: OwnData, *, offset: np.ndarray | None = None):
        Problem.vector_output(X, Y, offset=offset)  # for its checks
        outputs = [np.asarray(own) for own in Y]
        inputs = [np.asarray(own) for own in X]
        longest = max(map(len, inputs))
        self._inputs = np.stack([np.pad(own, ((0, longest - len(own)), (0, 0))) for own in inputs])
        self._outputs = np.stack([np.pad(own, ((0, longest - len(own)), (0, 0))) for own in outputs])
        self._offset = offset
        self.dtype = np.result_type(self._inputs, self._outputs)
        self.measurements_each = self._outputs.shape[2]
        self.present = np.arange(longest) < np.array([len(own) for own in inputs])[:, None]

    def train(self, kept: Bool[np.ndarray, "k n"]) -> Problem:
        weights = kept.astype(self._inputs.dtype)
        return Problem.vector_output(self._inputs, self._outputs, sample_weights=weights, offset=self._offset)

    def losses(self, adapters: Float[AnyArray, "k d1 d2"]) -> Float[np.ndarray, "k n"]:
        weights = np.asarray(adapters) + (0 if self._offset is None else self._offset)
        predicted = self._inputs @ weights.mT
        return np.asarray(np.sum(np.square(self._outputs - predicted), axis=2) * self.present, float)


def samples_of(A: OwnData | Problem | AbstractSamples | Frame, y: OwnData | None = None) -> AbstractSamples:
    """Whatever was given, as samples that can be held out.

    Raises:
        TypeError, ValueError: as `Problem.dense`, `Problem.from_frame` and `ProblemSamples`.
    """
    if is_frame(A):
        if y is not None:
            raise TypeError("y was given beside a DataFrame: leave it out, measurements are columns of it")
        return _samples_of_frame(A)
    if isinstance(A, AbstractSamples | Problem):
        if y is not None:
            raise TypeError(f"y was given beside a {type(A).__name__}, which holds its own")
        return ProblemSamples(A) if isinstance(A, Problem) else A
    if y is None:
        raise TypeError("y is missing: the measurements that go with A")
    return ProblemSamples(Problem.dense(cast(OwnData, A), y))


def _samples_of_frame(frame: Frame) -> AbstractSamples:
    """The outputs themselves, of which a problem would hold virtual samples."""
    columns = columns_as_arrays(frame)
    if "X" not in columns:
        return ProblemSamples(Problem.from_frame(frame))
    _, arrays = split_by_user(columns.pop("user"), columns)
    return OutputSamples(arrays["X"], arrays["Y"])


def assign_folds(present: Bool[np.ndarray, "k n"], folds: int, seed: int = 0) -> np.ndarray:
    """The fold of every sample, drawn for each user: every user has its samples spread evenly over all folds.

    Args:
        present: which samples there are.
        folds: at least 2, at most the samples of the user with the fewest; users without any do not count.
        seed: the same folds for the same one.

    Returns:
        Integers from 0 to folds - 1, shape (k, n); -1 for padding.

    Raises:
        ValueError: for a number of folds out of its bounds, naming the user, or a negative seed.
    """
    counts = np.count_nonzero(present, axis=1)
    if folds < 2:
        raise ValueError(f"folds {folds} is below 2: something has to be held out, and something be left")
    if seed < 0:
        raise ValueError(f"seed {seed} is below 0")
    few = np.flatnonzero((counts > 0) & (counts < folds))
    if few.size:
        raise ValueError(
            f"folds {folds} exceeds the {counts[few[0]]} samples of user {few[0]}: take at most that many folds, leave "
            "this user out, or gather more samples of it"
        )
    assigned = np.full(present.shape, -1)
    for user, count in enumerate(counts):
        rng = np.random.default_rng([seed, user])
        # Where a user's samples do not divide evenly, the larger folds are not the same ones for all users.
        order = (np.arange(count) + rng.integers(folds)) % folds
        assigned[user, present[user]] = rng.permutation(order)
    return assigned


def _is_virtual(inputs: Float[np.ndarray, "k n d2"]) -> bool:
    """Triangles, as a QR decomposition leaves them at the door."""
    _, num_vectors, num_cols = inputs.shape
    return num_vectors == num_cols > 1 and not np.tril(inputs, -1).any()


def _by_sample(values: np.ndarray, each: int) -> np.ndarray:
    return values.reshape(len(values), -1, each)


@eqx.filter_jit
def _squares(problem: Problem, adapters: Float[Array, "k d1 d2"]) -> Float[Array, "k n"]:
    return jnp.square(problem.scaled_targets - problem.scale * problem.sensing(adapters))


def in_precision(
    A: OwnData | Problem | AbstractSamples | Frame, y: OwnData | None
) -> contextlib.AbstractContextManager[None]:
    """The precision of the data, as `fit` has it."""
    return precision_of(*((A.targets,) if isinstance(A, Problem) else (A, y)))

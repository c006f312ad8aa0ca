"""The same users as a linear regression on frozen features: what the theory speaks of, and what it says of them."""

import dataclasses
import warnings
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from colora_theory.factors import PersonalFactors
from colora_theory.fit import ConvergenceWarning, FitError, fit
from colora_theory.language.lexica import Task
from colora_theory.language.tasks import Labelled, Vocabulary
from colora_theory.problem import IdentifiabilityWarning
from colora_theory.solution import Status
from colora_theory.theory import TransferErrors, transfer_errors

# Principal components of the embeddings that are features, and the rank of the space that users' weights share.
COMPONENTS = 16
RANK = 2


@dataclasses.dataclass(frozen=True)
class Regression:
    """Labels of +1 and -1 to be told by a linear function of a few features, one for each user.

    Attributes:
        features: of every word of the vocabulary: uncorrelated, of unit variance over the words to learn from, and a
            constant; shape (num_words, num_features).
        weights: of each user, the best on all its words, both kinds counting half; shape (num_users, num_features).
        noise: root mean square of what those leave.
    """

    features: Float[np.ndarray, "words d"]
    weights: Float[np.ndarray, "k d"]
    noise: float

    def measurements(self, samples: Labelled) -> tuple[Float[np.ndarray, "k n 1 d"], Float[np.ndarray, "k n"]]:
        """A and y of labelled words."""
        return self.features[samples.words][:, :, None], np.where(samples.labels, 1.0, -1.0)

    def predict(self, num_samples: int) -> TransferErrors:
        """What theory expects of the squared errors of weights fitted to so many words of each user.

        For features that are Gaussian with unit covariance, which those of words are not.
        """
        lengths = np.linalg.norm(self.weights, axis=1)
        users, size = self.weights.shape
        right = np.zeros((users, size, RANK))
        right[:, :, 0] = self.weights / lengths[:, None]
        cores = np.zeros((users, 1, RANK))
        cores[:, 0, 0] = lengths
        truth = PersonalFactors(jnp.ones((users, 1, 1)), jnp.asarray(cores), jnp.asarray(right))
        return transfer_errors(truth, num_samples, self.noise)


def regression(vocabulary: Vocabulary, tasks: Sequence[Task], seed: int) -> Regression:
    """The linear regression of users with these tasks.

    Args:
        vocabulary: the words.
        tasks: one for each user.
        seed: which words are there to learn from.
    """
    training = vocabulary.in_training(seed)
    embeddings = np.asarray(vocabulary.embeddings, float)
    centred = embeddings - np.mean(embeddings[training], axis=0)
    _, values, right = np.linalg.svd(centred[training], full_matrices=False)
    scores = centred @ right[:COMPONENTS].T * (np.sqrt(training.sum()) / values[:COMPONENTS])
    features = np.column_stack([scores, np.ones(len(scores))])
    found, squares = zip(*(_best(features, vocabulary, task) for task in tasks), strict=True)
    return Regression(features, np.stack(found), float(np.sqrt(np.mean(squares))))


def _best(features: Float[np.ndarray, "words d"], vocabulary: Vocabulary, task: Task) -> tuple[np.ndarray, float]:
    members, others = vocabulary.holds(task.members), vocabulary.holds(task.others)
    counted = np.flatnonzero(members | others)
    roots = np.sqrt(np.where(members, 0.5 / members.sum(), 0.5 / others.sum()))[counted]
    labels = np.where(members, 1.0, -1.0)[counted]
    weights = np.linalg.lstsq(features[counted] * roots[:, None], labels * roots)[0]
    return weights, float(np.sum((roots * (labels - features[counted] @ weights)) ** 2))


def together(A: Float[np.ndarray, "k n 1 d"], y: Float[np.ndarray, "k n"]) -> tuple[np.ndarray, Status]:
    """Weights of all users in one space of few dimensions, shape (num_users, num_features), by `colora_theory.fit`."""
    with warnings.catch_warnings():
        # What they say is in the status.
        warnings.simplefilter("ignore", (ConvergenceWarning, IdentifiabilityWarning))
        try:
            solution = fit(A, y, rank=(1, RANK))
        except FitError as error:
            solution = error.solution
    return np.asarray(solution.weights)[:, 0], Status(int(solution.status))


def alone(A: Float[np.ndarray, "k n 1 d"], y: Float[np.ndarray, "k n"]) -> tuple[np.ndarray, Status]:
    """Weights of each user by least squares, the shortest of the best."""
    weights = [np.linalg.lstsq(own[:, 0], labels)[0] for own, labels in zip(A, y, strict=True)]
    return np.stack(weights), Status.CONVERGED


def pooled(A: Float[np.ndarray, "k n 1 d"], y: Float[np.ndarray, "k n"]) -> tuple[np.ndarray, Status]:
    """Weights of all users at once by least squares."""
    weights = np.linalg.lstsq(A.reshape(-1, A.shape[-1]), y.reshape(-1))[0]
    return np.broadcast_to(weights, (len(A), weights.size)), Status.CONVERGED


def trained_numbers(way: str, num_users: int, size: int) -> int:
    """How many numbers a fit has: of the shared space and the users' places in it, or of the weights."""
    return {"together": RANK * (size + num_users), "alone": num_users * size, "pooled": size}[way]

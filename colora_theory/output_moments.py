"""Sufficient statistics of vector outputs: any number of samples in a fixed amount of memory."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from colora_theory.checks import as_floats

# Samples converted and multiplied at a time: small enough to stay in the cache.
_CHUNK = 1024


class OutputMoments:
    """Sums over the samples of every user: all that a least-squares fit of y_ij = W_i x_ij needs to know.

    Data come in batches and are not kept; the sums are of float64 whatever the data. `Problem.from_moments` makes a
    problem of at most num_cols samples for each user, on which every solver works unchanged and whose loss differs from
    that of all samples by a constant. The condition number of the inputs enters squared: noiseless weights come back
    with a relative error of about 1e-16 times its square. `Problem.vector_output`, for data in memory, does not square.

    Attributes:
        gram: sum_j x_ij x_ij^T, shape (num_users, num_cols, num_cols).
        cross: sum_j y_ij x_ij^T, shape (num_users, num_rows, num_cols).
        energy: sum_j ||y_ij||^2, shape (num_users,).
        counts: number of samples, shape (num_users,).
    """

    gram: Float[np.ndarray, "k d2 d2"]
    cross: Float[np.ndarray, "k d1 d2"]
    energy: Float[np.ndarray, " k"]
    counts: Int[np.ndarray, " k"]

    def __init__(self, num_users: int, num_rows: int, num_cols: int):
        for name, value in (("num_users", num_users), ("num_rows", num_rows), ("num_cols", num_cols)):
            if value < 1:
                raise ValueError(f"{name} {value} is below 1")
        self.gram = np.zeros((num_users, num_cols, num_cols))
        self.cross = np.zeros((num_users, num_rows, num_cols))
        self.energy = np.zeros(num_users)
        self.counts = np.zeros(num_users, np.int64)

    def update(self, X: Any, Y: Any, user: int | None = None) -> None:
        """Adds a batch. If it is refused, what was gathered before stays as it was.

        Args:
            X: inputs, shape (num_users, n, num_cols) or a sequence over users; of a single user (n, num_cols).
            Y: outputs, the same with num_rows.
            user: whose batch it is; all users' if left out.

        Raises:
            TypeError: for data that are not float32 or float64.
            ValueError: for shapes that disagree, a user that is not there, or a number that is not finite, naming the
                place.
        """
        num_users, num_rows, num_cols = self.cross.shape
        if user is not None:
            if not 0 <= user < num_users:
                raise ValueError(f"user {user} is outside [0, {num_users - 1}]")
            X, Y, users = [X], [Y], [user]
        else:
            users = list(range(num_users))
        for name, values in (("X", X), ("Y", Y)):
            if len(values) != len(users):
                raise ValueError(f"{name} has {len(values)} users, the moments have {num_users}")
        batches = []
        for own, inputs, outputs in zip(users, X, Y, strict=True):
            inputs, outputs = np.asarray(inputs), np.asarray(outputs)
            for name, array, size in (("X", inputs, num_cols), ("Y", outputs, num_rows)):
                if array.ndim != 2 or array.shape[1] != size:
                    raise ValueError(f"{name} of user {own} has shape {array.shape}, expected (n, {size})")
                if array.dtype not in (np.float32, np.float64):
                    as_floats(f"{name} of user {own}", array)
            if len(inputs) != len(outputs):
                raise ValueError(f"user {own} has {len(inputs)} samples in X and {len(outputs)} in Y")
            batches.append(_sums(own, inputs, outputs))
        for own, (gram, cross, energy, count) in zip(users, batches, strict=True):
            self.gram[own] += gram
            self.cross[own] += cross
            self.energy[own] += energy
            self.counts[own] += count

    def merge(self, other: "OutputMoments") -> "OutputMoments":
        """The moments of both sets of samples together.

        Raises:
            ValueError: if they are not of the same users and sizes.
        """
        if self.cross.shape != other.cross.shape:
            raise ValueError(f"moments of shape {self.cross.shape} and {other.cross.shape} do not go together")
        both = OutputMoments(*self.cross.shape)
        for name in ("gram", "cross", "energy", "counts"):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        return both

    def compress(
        self,
    ) -> tuple[Float[np.ndarray, "k d2 d2"], Float[np.ndarray, "k d2 d1"], Int[np.ndarray, " k"]]:
        """Inputs and outputs of virtual samples with these moments, and how many each user has; the rest are zero.

        With X^T X = R^T R the outputs are R^(-T) X^T Y, and ||Y - X W^T||^2 = ||R^(-T) X^T Y - R W^T||^2 + constant. Of
        white noise they have white noise of the same variance. Directions in which the inputs do not vary, to rounding,
        are left out.
        """
        values, vectors = np.linalg.eigh(self.gram)
        floor = values.shape[1] * np.finfo(float).eps * values[:, -1:]
        seen = values > np.maximum(floor, np.finfo(float).tiny)
        roots = np.sqrt(np.where(seen, values, 0.0))
        through = np.swapaxes(vectors, 1, 2) @ np.swapaxes(self.cross, 1, 2)
        outputs = np.where(seen, 1 / np.where(seen, roots, 1.0), 0.0)[..., None] * through
        inputs = roots[..., None] * np.swapaxes(vectors, 1, 2)
        # Largest first, so that those of a user with few directions stand at the front.
        return inputs[:, ::-1], outputs[:, ::-1], np.count_nonzero(seen, axis=1)

    def noise_variance(self) -> float:
        """The variance of the noise of an output entry, from what no weights of full rank could explain.

        Unbiased. Differences of sums: below about 1e-15 of the mean square of the outputs it is rounding.

        Raises:
            ValueError: if no user has more samples than its inputs have directions.
        """
        _, outputs, ranks = self.compress()
        free = self.cross.shape[1] * int(np.maximum(self.counts - ranks, 0).sum())
        if free == 0:
            raise ValueError("no user has more samples than its inputs have directions: the noise cannot be told")
        return max(float(self.energy.sum() - np.square(outputs).sum()), 0.0) / free


def compress_samples(
    inputs: Float[np.ndarray, "k n d2"], outputs: Float[np.ndarray, "k n d1"], weights: Float[np.ndarray, "k n"]
) -> tuple[Float[np.ndarray, "k m d2"], Float[np.ndarray, "k m d1"], Float[np.ndarray, "k m"]]:
    """At most num_cols virtual samples for each user, of the same loss up to a constant, by a QR decomposition.

    They have about the size of the samples, and each user the same total weight as before.

    Args:
        inputs: of all users; padding has weight zero.
        outputs: the same.
        weights: of the samples.
    """
    num_cols = inputs.shape[2]
    kept = np.zeros((len(inputs), num_cols, num_cols + outputs.shape[2]), inputs.dtype)
    for user, (own_inputs, own_outputs, own_weights) in enumerate(zip(inputs, outputs, weights, strict=True)):
        present = own_weights > 0
        samples = np.hstack([own_inputs[present], own_outputs[present]])
        triangle = np.linalg.qr(np.sqrt(own_weights[present])[:, None] * samples, mode="r")[:num_cols]
        kept[user, : len(triangle)] = triangle
    counts = np.minimum(np.count_nonzero(weights, axis=1), num_cols)
    return share_weight(kept[..., :num_cols], kept[..., num_cols:], counts, weights.sum(axis=1))


def share_weight(
    inputs: Float[np.ndarray, "k m d2"],
    outputs: Float[np.ndarray, "k m d1"],
    counts: Int[np.ndarray, " k"],
    totals: Float[np.ndarray, " k"],
) -> tuple[Float[np.ndarray, "k m d2"], Float[np.ndarray, "k m d1"], Float[np.ndarray, "k m"]]:
    """Samples of weight one as samples of the same loss whose weights add up to given totals.

    Args:
        inputs: of the samples; those beyond a user's count are zero.
        outputs: the same.
        counts: of samples of each user.
        totals: of the new weights of each user.
    """
    each = totals / np.maximum(counts, 1)
    present = np.arange(inputs.shape[1]) < counts[:, None]
    weights = np.where(present, each[:, None], 0.0).astype(inputs.dtype)
    shrink = np.where(weights > 0, 1 / np.sqrt(np.where(weights > 0, weights, 1)), 0)[..., None].astype(inputs.dtype)
    return inputs * shrink, outputs * shrink, weights


def _sums(user: int, inputs: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, int]:
    """What one batch of one user adds."""
    gram = np.zeros((inputs.shape[1],) * 2)
    cross = np.zeros((outputs.shape[1], inputs.shape[1]))
    energy = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(inputs), _CHUNK):
            x = np.asarray(inputs[start : start + _CHUNK], float)
            y = np.asarray(outputs[start : start + _CHUNK], float)
            gram += x.T @ x
            cross += y.T @ x
            energy += float(np.vdot(y, y))
    # Any number that is not finite shows in the sums of squares: the data need no pass of their own.
    if not (np.isfinite(np.diagonal(gram)).all() and np.isfinite(energy)):
        as_floats(f"X of user {user}", inputs)
        as_floats(f"Y of user {user}", outputs)
        raise ValueError(f"the squares of user {user} are beyond the range of floats: rescale the data")
    return gram, cross, energy, len(inputs)

"""How far fitted subspaces may be from the true ones."""

import dataclasses
import math

import numpy as np

from colora_theory.inference.interval import check_level

_FEWEST_DRAWS = 100


@dataclasses.dataclass(frozen=True)
class SubspaceBounds:
    """Upper confidence bounds for the largest sine of the principal angles between fitted and true subspaces.

    A sine is never negative and a fit never exact, so that an interval has this end only. They are bounds for the two
    sides one by one.

    Attributes:
        left: for U; 0 if U is the whole space, 1 if the data do not determine it.
        right: for V.
        level: share of draws in which the largest sine stays below its bound, if `reliable`.
        reliable: whether the level can be trusted at the global minimum, see `Reliability`.
        reason: why, or why not.
    """

    left: float
    right: float
    level: float
    reliable: bool
    reason: str


def bound_sine(block: np.ndarray | None, spare: float, level: float, draws: int, words: tuple[int, ...]) -> float:
    """The quantile of the largest sine between U and U + dU, dU being multivariate Student.

    Args:
        block: covariance of the entries of dU^T, shape (r, d, r, d); None if it is not known.
        spare: degrees of freedom of the estimated noise.
        level: in (0, 1).
        draws: simulated errors, at least 100.
        words: of the seed.

    Raises:
        ValueError: for a level outside (0, 1) or too few draws.
    """
    check_level(level)
    if draws < _FEWEST_DRAWS:
        raise ValueError(f"{draws} draws are fewer than {_FEWEST_DRAWS}: too few for a quantile")
    if block is None or not spare > 0:
        return 1.0
    rank, size = block.shape[:2]
    values, vectors = np.linalg.eigh(block.reshape(rank * size, -1))
    random = np.random.default_rng(words)
    normal = random.standard_normal((draws, rank * size)) * np.sqrt(np.maximum(values, 0))
    changes = (normal @ vectors.T).reshape(draws, rank, size)
    widening = spare / random.chisquare(spare, draws)
    largest = np.linalg.eigvalsh(changes @ np.swapaxes(changes, 1, 2))[:, -1]
    # dU is orthogonal to U: its singular values are the tangents of the principal angles.
    tangents = np.quantile(np.sqrt(np.maximum(largest, 0) * widening), level)
    return math.sin(math.atan(float(tangents)))

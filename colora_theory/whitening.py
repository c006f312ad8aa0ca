"""Change of variables to those in which the design is isotropic."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.linalg import AnyArray, contract, safe_divide, symmetric_roots
from colora_theory.problem import Problem


class Whitened(eqx.Module):
    """A problem in other variables, W' = S_r^(1/2) W S_c^(1/2), and the way back.

    Attributes:
        problem: the measurements of the W'_i; same targets, same weights, hence the same loss.
        row_map: S_r^(-1/2), shape (num_rows, num_rows); None for the identity.
        col_map: S_c^(-1/2), shape (num_cols, num_cols); None for the identity.
    """

    problem: Problem
    row_map: Float[Array, "d1 d1"] | None
    col_map: Float[Array, "d2 d2"] | None

    def restore(self, factors: Factors) -> Factors:
        """The factors of the W_i, with orthonormal subspaces, from those of the W'_i: no weight and no loss changes."""
        left = factors.left if self.row_map is None else contract("ab,br->ar", self.row_map, factors.left)
        right = factors.right if self.col_map is None else contract("ab,br->ar", self.col_map, factors.right)
        return Factors(left, factors.cores, right).orthonormalize()


def whiten(
    problem: Problem, rows: Float[AnyArray, "d1 d1"] | None = None, cols: Float[AnyArray, "d2 d2"] | None = None
) -> Whitened:
    """The problem in the variables in which a design of covariance S_r (x) S_c is isotropic.

    Since <A, W> = <S_r^(-1/2) A S_c^(-1/2), S_r^(1/2) W S_c^(1/2)>, and the new weights are low-rank with shared
    subspaces as the old ones are, this is exact: a fit in either variables is one in the other. What changes are the
    moments, which become unbiased, and the condition number that gradient steps meet.

    Args:
        problem: the data.
        rows: S_r, shape (num_rows, num_rows); estimated from the design if left out (`side_covariances`).
        cols: S_c, shape (num_cols, num_cols); likewise. Only the product S_r (x) S_c means something.

    Raises:
        ValueError: for a covariance of another shape, not symmetric, or not positive definite, naming the eigenvalue
            (only where its numbers are known: traced ones get a floor under the spectrum); for an operator that cannot
            be transformed so.
    """
    _, num_rows, num_cols = problem.sensing.weights_shape
    estimated = (None, None) if rows is not None and cols is not None else side_covariances(problem)
    row_root, row_map = _roots("rows", estimated[0] if rows is None else rows, num_rows, problem)
    col_root, col_map = _roots("cols", estimated[1] if cols is None else cols, num_cols, problem)
    offset = problem.offset
    if offset is not None:
        offset = offset if row_root is None else contract("ab,bc->ac", row_root, offset)
        offset = offset if col_root is None else contract("ab,bc->ac", offset, col_root)
    sensing = problem.sensing.transform_sides(row_map, col_map)
    return Whitened(Problem(sensing, problem.targets, problem.sample_weights, offset), row_map, col_map)


def side_covariances(problem: Problem) -> tuple[Float[Array, "d1 d1"] | None, Float[Array, "d2 d2"]]:
    """Estimates of (S_r, S_c) by the second moments of the design over all samples of all users, as they are weighed.

    For dense sensing S_r = mean of A A^T / d2 and S_c = mean of A^T A / d1, divided by the mean square of an entry;
    for bilinear forms the second moments of the a_ij and of the b_ij; for vector outputs that of the inputs, S_r being
    the identity (None).

    Raises:
        ValueError: for other operators.
    """
    weights = problem.sample_weights
    total = jnp.broadcast_to(jnp.sum(weights), weights.shape)
    return problem.sensing.side_covariances(safe_divide(weights, total))


def _roots(
    name: str, covariance: Float[AnyArray, "_ _"] | None, size: int, problem: Problem
) -> tuple[Float[Array, "d d"], Float[Array, "d d"]] | tuple[None, None]:
    """S^(1/2) and S^(-1/2)."""
    if covariance is None:
        return None, None
    if covariance.shape != (size, size):
        raise ValueError(f"{name} has shape {covariance.shape}, the weights need {(size, size)}")
    if not isinstance(covariance, jax.core.Tracer):
        _check_covariance(name, np.asarray(covariance))
    return symmetric_roots(jnp.asarray(covariance, problem.targets.dtype))


def _check_covariance(name: str, covariance: Float[np.ndarray, "d d"]) -> None:
    precision = np.finfo(covariance.dtype).eps * len(covariance)
    apart = np.abs(covariance - covariance.T).max()
    if not apart <= precision * np.abs(covariance).max():
        raise ValueError(f"{name} is not symmetric: entries that should be equal differ by {apart:.3g}")
    values = np.linalg.eigvalsh(covariance)
    if not values[0] > precision * values[-1]:
        raise ValueError(f"{name} has the eigenvalue {values[0]:.3g}: above {precision * values[-1]:.3g} is needed")

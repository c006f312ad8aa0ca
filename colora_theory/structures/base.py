"""What every structure offers."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from colora_theory.grassmann import random_subspace
from colora_theory.linalg import AnyArray, contract
from colora_theory.problem import Problem
from colora_theory.structures.levenberg_marquardt import descend

# The arrays of a structure, by name.
Parameters = dict[str, Float[AnyArray, "..."]]

# (num_users, num_rows, num_cols).
Shape = tuple[int, int, int]


class Minimum(eqx.Module):
    """Where one attempt at a fit ended.

    Attributes:
        parameters: there.
        loss: half the weighted sum of squares.
        relative_gradient: ||J^T e|| / (||J||_F ||e||) before the last step.
        num_steps: taken.
        optimal: whether the data are met, or the gradient is zero.
    """

    parameters: Parameters
    loss: Float[Array, ""]
    relative_gradient: Float[Array, ""]
    num_steps: Int[Array, ""]
    optimal: Bool[Array, ""]


class AbstractStructure(eqx.Module):
    """A smooth map from parameters to the weights of all users, whose sizes are its fields.

    Tangent space, degrees of freedom as the rank of the derivative, Cramer-Rao bound and least-squares fit follow from
    `compose` alone: see `tangent_basis`, `jacobian_rank`, `cramer_rao`, `fit`. None of them minds that many parameters
    give the same weights.
    """

    @abc.abstractmethod
    def compose(self, parameters: Parameters) -> Float[AnyArray, "k d1 d2"]:
        """The users' weights, without the frozen offset; shape (num_users, num_rows, num_cols)."""

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, shape: Shape) -> Parameters:
        """A generic random point: factors that are orthonormal up to scale, or standard normal.

        Args:
            key: randomness.
            shape: (num_users, num_rows, num_cols).

        Raises:
            ValueError: see `check`.
        """

    @abc.abstractmethod
    def begin(self, key: PRNGKeyArray, weights: Float[Array, "k d1 d2"]) -> Parameters:
        """Parameters whose weights are near to given ones, from which a fit may begin.

        Args:
            key: for structures that have to guess.
            weights: shape (num_users, num_rows, num_cols).
        """

    @abc.abstractmethod
    def check(self, shape: Shape) -> None:
        """That weights of this shape can have the structure, and determine it up to the choice of parameters.

        Raises:
            ValueError: if not, naming what is too large.
        """

    @abc.abstractmethod
    def degrees_of_freedom(self, shape: Shape) -> int:
        """Dimension of the set of weights of this structure, by formula.

        Raises:
            ValueError: see `check`.
        """

    def minimize(
        self,
        problem: Problem,
        begun: Parameters,
        *,
        exact: Float[Array, ""],
        gradient_tol: Float[Array, ""],
        max_steps: int,
    ) -> Minimum:
        """Least squares from given parameters: Levenberg and Marquardt's method, unless a structure has its own.

        Args:
            problem: the data.
            begun: where it begins.
            exact: losses up to this are zero.
            gradient_tol: relative gradients up to this are zero.
            max_steps: the limit.
        """
        point, restore = ravel_pytree(begun)
        targets = problem.scaled_targets

        def residual_of(point: Float[Array, " p"]) -> Float[Array, " n"]:
            adapters = jnp.asarray(self.compose(restore(point)))
            return (problem.scale * problem.sensing(adapters) - targets).reshape(-1)

        end, optimal = descend(residual_of, point, exact=exact, gradient_tol=gradient_tol, max_steps=max_steps)
        return Minimum(restore(end.point), end.loss, end.relative_gradient, end.num_steps, optimal)

    def doubts(self, problem: Problem, parameters: Parameters) -> tuple[str, ...]:
        """What speaks against a fit beside the size of its residuals, in words; nothing unless a structure knows how.

        Args:
            problem: the data.
            parameters: fitted to them.
        """
        return ()


class StructureWarning(UserWarning):
    """A fit with something that speaks against its structure, see `AbstractStructure.doubts`."""


def random_subspaces(
    key: PRNGKeyArray, count: int, dimension: int, rank: int
) -> Float[Array, "{count} {dimension} {rank}"]:
    """Independent subspaces, as `random_subspace` draws one."""
    return jax.vmap(lambda own: random_subspace(own, dimension, rank))(jax.random.split(key, count))


def low_rank_dimension(num_rows: int, num_cols: int, rank: int) -> int:
    """Dimension of the num_rows x num_cols matrices of a rank: r (d1 + d2 - r)."""
    return rank * (num_rows + num_cols - rank)


def halves(
    matrices: Float[Array, "*batch d1 d2"], rank: int
) -> tuple[Float[Array, "*batch d1 r"], Float[Array, "*batch d2 r"]]:
    """The nearest matrices of a rank as products P Q^T, with the singular values shared evenly."""
    left, values, right = jnp.linalg.svd(matrices, full_matrices=False)
    roots = jnp.sqrt(values[..., None, :rank])
    return left[..., :rank] * roots, jnp.swapaxes(right, -1, -2)[..., :rank] * roots


def join(
    left: Float[AnyArray, "*batch d1 r"], right: Float[AnyArray, "*batch d2 r"]
) -> Float[AnyArray, "*batch d1 d2"]:
    """P Q^T."""
    return contract("...ar,...br->...ab", left, right)


def check_sizes(shape: Shape, **ranks: int) -> None:
    """That sizes and ranks are positive, and no rank exceeds min(num_rows, num_cols).

    Raises:
        ValueError: if not, naming the rank.
    """
    if min(shape) < 1:
        raise ValueError(f"shape {shape} has a size below 1")
    for name, rank in ranks.items():
        if not 1 <= rank <= min(shape[1:]):
            raise ValueError(f"{name} {rank} is not in 1 .. min(num_rows, num_cols) = {min(shape[1:])}")

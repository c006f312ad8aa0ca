"""Scaled gradient descent, and what it shares with the quasi-Newton method: the reduced cost in scaled coordinates."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from colora_theory.factors import Factors
from colora_theory.grassmann import nearest_basis, outside
from colora_theory.linalg import contract, safe_divide, symmetric_roots
from colora_theory.problem import Problem
from colora_theory.solvers.base import AbstractSolver, Effort, State, half_square, judge_step
from colora_theory.solvers.first_order import optimality, tree_add, tree_dot
from colora_theory.solvers.linearization import Linearization

# A direction is followed if its angle to the gradient has at least this cosine.
_DESCENT_COSINE = 1e-3
# A step that is not taken is shortened to the minimum of a parabola, and by a factor within these bounds.
_SHORTEST, _LONGEST = 0.1, 0.5


class Direction(eqx.Module):
    """A direction in U and V: two matrices of their shapes, in scaled coordinates (see `ReducedPoint`)."""

    left: Float[Array, "d1 r1"]
    right: Float[Array, "d2 r2"]


class ReducedPoint(eqx.Module):
    """The reduced cost f(U, V) = min_C loss at orthonormal U and V, in scaled coordinates.

    A direction (P, R) moves U by P G^(-1/2) and V by R H^(-1/2), with the Gram matrices G = sum_i w_i C_i C_i^T and
    H = sum_i w_i C_i^T C_i and w_i the total weight of user i; P is orthogonal to U and R to V. Under an isotropic
    design the Hessian of the reduced cost is then the identity on average, whatever the condition number of the cores:
    what is left is the fluctuation of a finite sample. The length of a direction does not depend on the bases, and
    symmetric roots make the coordinates turn with them.

    Attributes:
        model: the measurements to first order, at the least-squares cores.
        left_scale: G^(-1/2).
        right_scale: H^(-1/2).
        descent: minus the gradient.
    """

    model: Linearization
    left_scale: Float[Array, "r1 r1"]
    right_scale: Float[Array, "r2 r2"]
    descent: Direction

    @classmethod
    def at(cls, problem: Problem, factors: Factors) -> "ReducedPoint":
        """The point at orthonormal factors; their cores are only a first guess."""
        return cls.of(problem, Linearization.at(problem, factors).fit_cores())

    @classmethod
    def of(cls, problem: Problem, model: Linearization) -> "ReducedPoint":
        """The point of expansion of a model with its least-squares cores."""
        cores, totals = model.factors.cores, jnp.sum(problem.sample_weights, axis=1)
        _, left_scale = symmetric_roots(contract("k,krs,kps->rp", totals, cores, cores))
        _, right_scale = symmetric_roots(contract("k,krs,krp->sp", totals, cores, cores))
        point = cls(model, left_scale, right_scale, Direction(model.factors.left, model.factors.right))
        return eqx.tree_at(lambda point: point.descent, point, point.gradient_of(model.residual))

    def gradient_of(self, measurements: Float[Array, "k n"]) -> Direction:
        """The transpose of `image` with the cores at rest; of the residual it is minus the gradient."""
        through = self.model.transpose(measurements)
        left = contract("ar,rs->as", through.left, self.left_scale)
        return _outside(self.model.factors, Direction(left, contract("ar,rs->as", through.right, self.right_scale)))

    @property
    def loss(self) -> Float[Array, ""]:
        """Half the weighted sum of squared residuals."""
        return half_square(self.model.residual)

    def unscale(self, direction: Direction) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        """The changes of U and V."""
        return (
            contract("ar,rs->as", direction.left, self.left_scale),
            contract("ar,rs->as", direction.right, self.right_scale),
        )

    def still_image(self, direction: Direction) -> Float[Array, "k n"]:
        """The change of the measurements along a direction, the cores at rest, to first order."""
        left, right = self.unscale(direction)
        return self.model.apply(Factors(left, jnp.zeros_like(self.model.factors.cores), right))

    def image(self, direction: Direction) -> tuple[Float[Array, "k n"], Float[Array, "k r1 r2"]]:
        """The changes of the measurements and of the cores along a direction, the cores following, to first order."""
        rest, explained = self.model.absorb(self.still_image(direction))
        return rest, -explained


class Search(eqx.Module):
    """A point, and a line through it that is to be followed.

    Attributes:
        point: where the line begins.
        direction: where it goes.
        cores: the change of the cores along it.
        slope: by how much the loss falls for each unit of length, at the beginning.
        length: how far to go next. First the minimum of the Gauss-Newton model, which costs no pass over the data.
        curvature: the largest curvature seen along a line so far.
    """

    point: ReducedPoint
    direction: Direction
    cores: Float[Array, "k r1 r2"]
    slope: Float[Array, ""]
    length: Float[Array, ""]
    curvature: Float[Array, ""]

    @classmethod
    def along(cls, point: ReducedPoint, direction: Direction, curvature: Float[Array, ""]) -> "Search":
        """A search along a direction, or along the gradient if that is no direction of descent."""
        direction = _outside(point.model.factors, direction)
        slope, steepest = tree_dot(point.descent, direction), tree_dot(point.descent, point.descent)
        descends = slope > _DESCENT_COSINE * jnp.sqrt(steepest * tree_dot(direction, direction))
        direction = jax.tree.map(lambda one, other: jnp.where(descends, one, other), direction, point.descent)
        slope = jnp.where(descends, slope, steepest)
        image = point.still_image(direction)
        rest, explained = point.model.absorb(image)
        length = safe_divide(slope, jnp.sum(jnp.square(rest)))
        seen = safe_divide(jnp.sum(jnp.square(image)), tree_dot(direction, direction))
        return cls(point, direction, -explained, slope, length, jnp.maximum(curvature, seen))

    def follow(self, problem: Problem) -> tuple[ReducedPoint, Bool[Array, ""], "Search"]:
        """Goes the length: two passes over the data.

        Returns:
            The point there, whether its loss is low enough to go on from it, and the shorter search if it is not.
        """
        factors = self.point.model.factors
        left, right = self.point.unscale(self.direction)
        moved = Factors(
            factors.left + self.length * left,
            factors.cores + self.length * self.cores,
            factors.right + self.length * right,
        )
        point = ReducedPoint.at(problem, _orthonormalize(moved))

        loss = self.point.loss
        promised, gained = self.length * self.slope, loss - point.loss
        accepted, _ = judge_step(promised, gained, loss)
        shrink = jnp.clip(0.5 * safe_divide(promised, promised - gained), _SHORTEST, _LONGEST)
        length = self.length * jnp.where(jnp.isfinite(shrink), shrink, _SHORTEST)
        return point, accepted, eqx.tree_at(lambda search: search.length, self, length)


class Memory(eqx.Module):
    """What a step along the reduced cost needs.

    Attributes:
        search: the line to follow.
        history: what the solver remembers of earlier lines.
    """

    search: Search
    history: PyTree


class AbstractReducedDescent(AbstractSolver):
    """A descent of the reduced cost in scaled coordinates: a solver says only where to go next.

    Each step goes to the minimum of the Gauss-Newton model along its direction, and the bases of U and V move by the
    polar factor. Then they turn as little as they can, and the scaled coordinates of earlier directions are carried
    over as they are: an isometric transport, up to what lies in the new subspaces, which no search sees.
    """

    eliminates_cores: ClassVar[bool] = True

    @abc.abstractmethod
    def first_history(self, point: ReducedPoint) -> Any:
        """What is remembered before the first step."""

    @abc.abstractmethod
    def next_direction(self, search: Search, point: ReducedPoint, history: Any) -> tuple[Direction, Any]:
        """Where to go from `point`, which `search` has led to, and what to remember."""

    def init(self, problem: Problem, factors: Factors) -> State:
        point = ReducedPoint.at(problem, factors.orthonormalize())
        search = Search.along(point, point.descent, jnp.zeros_like(point.loss))
        return _state(Memory(search, self.first_history(point)), Effort.of(point.loss))

    def step(self, problem: Problem, state: State) -> State:
        memory = state.memory
        point, accepted, shorter = memory.search.follow(problem)
        direction, history = self.next_direction(memory.search, point, memory.history)
        ahead = Memory(Search.along(point, direction, memory.search.curvature), history)
        again = Memory(shorter, memory.history)
        kept = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), ahead, again)
        return _state(kept, Effort.of(point.loss, accepted))


class ScaledGradientDescent(AbstractReducedDescent):
    """Gradient descent that the condition number of the cores does not slow down.

    The gradients in U and V are multiplied by the inverse Gram matrices of what stands beside them (Tong, Ma,
    Prater-Bennette, Tripp and Chi, arXiv 2104.14526, for Tucker tensors); the cores are always the best ones, and the
    step is the exact one for measurements linearized at the iterate. One step is the same from every basis of the
    same subspaces.

    Attributes:
        conjugate: whether directions are conjugate (Polak-Ribiere, never with a negative coefficient) or each is the
            steepest.
    """

    conjugate: bool = eqx.field(static=True, default=True)

    def first_history(self, point: ReducedPoint) -> None:
        return None

    def next_direction(self, search: Search, point: ReducedPoint, history: None) -> tuple[Direction, None]:
        if not self.conjugate:
            return point.descent, None
        new, old = point.descent, search.point.descent
        share = safe_divide(jnp.maximum(tree_dot(new, new) - tree_dot(new, old), 0.0), tree_dot(old, old))
        return tree_add(new, share, search.direction), None


def _state(memory: Memory, effort: Effort) -> State:
    search = memory.search
    model, descent = search.point.model, search.point.descent
    measure = optimality(descent, search.curvature, model.residual)
    return State(model.factors, search.point.loss, measure, memory, effort)


def _outside(factors: Factors, direction: Direction) -> Direction:
    """The part of a direction that leaves the subspaces: the rest only changes their bases."""
    return Direction(outside(factors.left, direction.left), outside(factors.right, direction.right))


def _orthonormalize(factors: Factors) -> Factors:
    """The same weights in the orthonormal bases that are nearest to the given ones (polar decomposition)."""
    left, left_root = nearest_basis(factors.left)
    right, right_root = nearest_basis(factors.right)
    return Factors(left, contract("rp,kpq,qs->krs", left_root, factors.cores, right_root), right)

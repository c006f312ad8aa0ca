"""How a step of variable projection is found: the damped normal equations of the two subspaces."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from colora_theory.factors import Factors
from colora_theory.grassmann import outside
from colora_theory.linalg import contract, safe_divide, solve_normal, spectral_bound, whitener
from colora_theory.problem import Problem
from colora_theory.solvers.base import relative_gradient
from colora_theory.solvers.first_order import tree_add, tree_dot
from colora_theory.solvers.linearization import Linearization
from colora_theory.solvers.scaled_gradient import Direction, ReducedPoint

# Conjugate gradients stop at this share of the gradient, or at the relative residual or gradient if that is less: cheap
# steps far away, quadratic convergence in the end.
_FORCING = 0.1


class Proposal(eqx.Module):
    """A step, before it is known whether it is any good.

    Attributes:
        left: change of U.
        right: change of V.
        promised: by how much the quadratic model says that the loss falls.
        measure: the relative gradient at the point where the step starts.
        products: with the reduced normal matrix that it took; none where the matrix itself is formed.
    """

    left: Float[Array, "d1 r1"]
    right: Float[Array, "d2 r2"]
    promised: Float[Array, ""]
    measure: Float[Array, ""]
    products: Int[Array, ""]


class AbstractReducedStep(eqx.Module):
    """A solver of the damped normal equations of U and V, the cores eliminated."""

    @abc.abstractmethod
    def propose(
        self, problem: Problem, model: Linearization, damping: Float[Array, ""], curved: Bool[Array, ""]
    ) -> Proposal:
        """The step at the least-squares cores.

        Args:
            problem: the data.
            model: the expansion at the iterate, with its least-squares cores.
            damping: the Levenberg-Marquardt parameter, relative to the mean curvature.
            curved: whether Gauss-Newton steps have become slow, so that the curvature of the model itself matters.
        """


class Direct(AbstractReducedStep):
    """Forms the normal equations, of size d1 r1 + d2 r2, and factors them: meant for sizes up to some thousand.

    Where `curved`, the second derivatives of the measurements are added, which makes the matrix the exact Hessian of
    the reduced cost; where that is not positive definite, Gauss-Newton it stays.
    """

    def propose(
        self, problem: Problem, model: Linearization, damping: Float[Array, ""], curved: Bool[Array, ""]
    ) -> Proposal:
        factors, split = model.factors, model.factors.left.size
        system = model.at_right.joint_system(
            model.at_left, model.core_design, model.residual, factors.cores, factors.cores.mT
        )
        normal, descent = system.normal, system.descent
        # What the cores can explain: the coupling in an orthonormal basis of each user's core design.
        whiten = model.whiten()
        explained = contract("kpq,kqm->kpm", whiten, system.coupling)
        reduced = normal - _gram(explained)
        scale = jnp.trace(reduced) / len(reduced)

        def newton() -> Float[Array, "q q"]:
            bent, twisted = _second_derivatives(problem, model)
            along = _horizontal(factors)
            hessian = normal - bent - _gram(explained - contract("kpq,kqm->kpm", whiten, twisted))
            hessian = contract("pq,qw,wv->pv", along, hessian, along)
            hessian = hessian + scale * (jnp.eye(len(along), dtype=along.dtype) - along)
            definite = jnp.all(jnp.isfinite(whitener(hessian)))
            return jnp.where(definite, hessian, reduced)

        matrix = jax.lax.cond(curved, newton, lambda: reduced)
        shift = damping * scale
        change = solve_normal(matrix + shift * jnp.eye(len(matrix), dtype=matrix.dtype), descent)
        # A change of basis is no change of the subspaces; along it the matrix is singular, and amplifies rounding.
        return Proposal(
            outside(factors.left, change[:split].reshape(factors.left.T.shape).T),
            outside(factors.right, change[split:].reshape(factors.right.T.shape).T),
            0.5 * jnp.sum(change * (shift * change + descent)),
            relative_gradient(descent, spectral_bound(reduced), jnp.linalg.norm(model.residual)),
            jnp.asarray(0, jnp.int32),
        )


def _gram(explained: Float[Array, "k p q"]) -> Float[Array, "q q"]:
    flat = jnp.moveaxis(explained, 2, 0).reshape(explained.shape[2], -1)
    return contract("qm,wm->qw", flat, flat)


def _second_derivatives(problem: Problem, model: Linearization) -> tuple[Float[Array, "q q"], Float[Array, "k p q"]]:
    """Residual times second derivatives of the measurements: between U and V, and between the cores and both."""
    factors, residual = model.factors, model.residual
    (d1, r1), (d2, r2) = factors.left.shape, factors.right.shape
    num_users = len(factors.cores)
    weighted = contract("krs,kn->rskn", factors.cores, problem.scale * residual).reshape(r1 * r2, *residual.shape)
    across = problem.sensing.pooled_adjoint(weighted).reshape(r1, r2, d1, d2)
    across = jnp.moveaxis(across, 2, 1).reshape(r1 * d1, r2 * d2)
    none = [jnp.zeros((size, size), residual.dtype) for size in across.shape]
    between = jnp.block([[none[0], across], [across.T, none[1]]])

    left, right = jnp.eye(r1, dtype=residual.dtype), jnp.eye(r2, dtype=residual.dtype)
    with_left = contract("kas,pq->kpsqa", model.at_right.adjoint(residual), left)
    with_right = contract("kbp,st->kpstb", model.at_left.adjoint(residual), right)
    size = (num_users, r1 * r2, -1)
    return between, jnp.concatenate([with_left.reshape(size), with_right.reshape(size)], axis=2)


def _horizontal(factors: Factors) -> Float[Array, "q q"]:
    """The projection onto changes of U and V that are orthogonal to U and V, in the order of the normal equations."""

    def projection(basis: Float[Array, "d r"]) -> Float[Array, "dr dr"]:
        eye = jnp.eye(len(basis), dtype=basis.dtype)
        return jnp.kron(jnp.eye(basis.shape[1], dtype=basis.dtype), outside(basis, eye))

    return jax.scipy.linalg.block_diag(projection(factors.left), projection(factors.right))


class ConjugateGradient(AbstractReducedStep):
    """Solves the normal equations by products with the Jacobian, and forms no matrix of their size.

    Works in the scaled coordinates of `ReducedPoint`, in which an isotropic design makes the matrix the identity on
    average: the number of iterations depends on the sampling, not on the condition number of the cores. Pure
    Gauss-Newton: `curved` is not looked at.

    Attributes:
        max_iterations: limit of the iterations of one step.
    """

    max_iterations: int | Float[Array, ""] = 100

    def propose(
        self, problem: Problem, model: Linearization, damping: Float[Array, ""], curved: Bool[Array, ""]
    ) -> Proposal:
        point = ReducedPoint.of(problem, model)
        squared = tree_dot(point.descent, point.descent)
        image, _ = point.image(point.descent)
        # In these coordinates all curvatures are of one size: that along the gradient stands for the others.
        curvature = safe_divide(jnp.sum(jnp.square(image)), squared)
        shift = damping * curvature
        residual_norm = jnp.linalg.norm(model.residual)
        measure = relative_gradient(jnp.sqrt(squared), curvature, residual_norm)
        share = safe_divide(residual_norm, jnp.linalg.norm(problem.scaled_targets))
        tol = jnp.minimum(_FORCING, jnp.minimum(share, measure))

        def unsolved(search: _Conjugate) -> Bool[Array, ""]:
            return (search.squared > jnp.square(tol) * squared) & (
                search.iterations.astype(squared.dtype) < self.max_iterations
            )

        def go_on(search: _Conjugate) -> _Conjugate:
            image, _ = point.image(search.direction)
            return search.advance(point, image, shift)

        nothing = jax.tree.map(jnp.zeros_like, point.descent)
        first = _Conjugate(nothing, point.descent, point.descent, squared, jnp.zeros((), jnp.int32))
        found = jax.lax.while_loop(unsolved, go_on, first.advance(point, image, shift))
        change = found.solution
        promised = 0.5 * (
            tree_dot(change, point.descent) + tree_dot(change, found.remainder) + shift * tree_dot(change, change)
        )
        return Proposal(*point.unscale(change), promised, measure, found.iterations)


class _Conjugate(eqx.Module):
    """Conjugate gradients for (J^T J + shift) x = -gradient, a pass over the data for each product with J or J^T.

    Attributes:
        solution: x.
        remainder: what the equations lack at x.
        direction: where to go next.
        squared: squared length of the remainder.
        iterations: done so far.
    """

    solution: Direction
    remainder: Direction
    direction: Direction
    squared: Float[Array, ""]
    iterations: Int[Array, ""]

    def advance(self, point: ReducedPoint, image: Float[Array, "k n"], shift: Float[Array, ""]) -> "_Conjugate":
        """An iteration, the image J p of its direction being known."""
        curvature = jnp.sum(jnp.square(image)) + shift * tree_dot(self.direction, self.direction)
        length = safe_divide(self.squared, curvature)
        product = tree_add(point.gradient_of(image), shift, self.direction)
        remainder = tree_add(self.remainder, -length, product)
        squared = tree_dot(remainder, remainder)
        direction = tree_add(remainder, safe_divide(squared, self.squared), self.direction)
        solution = tree_add(self.solution, length, self.direction)
        return _Conjugate(solution, remainder, direction, squared, self.iterations + 1)

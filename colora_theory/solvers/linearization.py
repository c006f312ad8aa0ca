"""The model to first order at an iterate: residual and products with the Jacobian."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.linalg import combine_slices, contract, whitener
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractRestriction


class Linearization(eqx.Module):
    """The scaled measurements as a function of the three blocks, to first order.

    Costs two passes over the data to make; every product with the Jacobian then reads the two small restrictions only.

    Attributes:
        factors: the point of expansion.
        at_right: the scaled operator at its V.
        at_left: the scaled operator at its U.
        core_design: the scaled measurements' derivatives by the entries of each user's own core, in row-major order.
        residual: scaled targets less scaled measurements.
        whitener: see `whiten`; None until the cores have been fitted.
    """

    factors: Factors
    at_right: AbstractRestriction
    at_left: AbstractRestriction
    core_design: Float[Array, "p k n"]
    residual: Float[Array, "k n"]
    whitener: Float[Array, "k p p"] | None = None

    @classmethod
    def at(cls, problem: Problem, factors: Factors) -> "Linearization":
        """The expansion at the given factors."""
        at_right, at_left = problem.restrict_both(factors.left, factors.right)
        core_design = _core_design(at_right, at_left, factors)
        residual = problem.scaled_targets - _measure(core_design, factors.cores)
        return cls(factors, at_right, at_left, core_design, residual)

    def fit_cores(self) -> "Linearization":
        """The expansion at the same subspaces and the least-squares cores that go with them."""
        ready = eqx.tree_at(lambda model: model.whitener, self, self.whiten(), is_leaf=lambda leaf: leaf is None)
        residual, increment = ready.absorb(self.residual)
        fitted = Factors(self.factors.left, self.factors.cores + increment, self.factors.right)
        return eqx.tree_at(lambda model: (model.factors, model.residual), ready, (fitted, residual))

    def whiten(self) -> Float[Array, "k p p"]:
        """T_i with T_i D_i orthonormal rows, D_i the core design of user i; what `whitener` holds, if it does."""
        own = jnp.moveaxis(self.core_design, 1, 0)
        return whitener(contract("kpn,kqn->kpq", own, own)) if self.whitener is None else self.whitener

    def absorb(self, measurements: Float[Array, "k n"]) -> tuple[Float[Array, "k n"], Float[Array, "k r1 r2"]]:
        """What the cores cannot explain of some measurements, and the change of the cores that explains the rest."""
        whiten = self.whiten()
        through = contract("pkn,kn->kp", self.core_design, measurements)
        change = contract("kqp,kq->kp", whiten, contract("kpq,kq->kp", whiten, through))
        change = change.reshape(self.factors.cores.shape)
        return measurements - _measure(self.core_design, change), change

    def apply(self, direction: Factors) -> Float[Array, "k n"]:
        """J times a direction."""
        factors = self.factors
        left_change = contract("ar,krs->kas", direction.left, factors.cores)
        right_change = contract("bs,krs->kbr", direction.right, factors.cores)
        return self.at_right(left_change) + self.at_left(right_change) + _measure(self.core_design, direction.cores)

    def transpose(self, measurements: Float[Array, "k n"]) -> Factors:
        """J^T times measurements; of the residual it is minus the gradient of the loss."""
        factors = self.factors
        through_right = self.at_right.adjoint(measurements)
        through_left = self.at_left.adjoint(measurements)
        return Factors(
            contract("kas,krs->ar", through_right, factors.cores),
            contract("pkn,kn->kp", self.core_design, measurements).reshape(factors.cores.shape),
            contract("kbr,krs->bs", through_left, factors.cores),
        )

    def gram(self, direction: Factors) -> Factors:
        """J^T J times a direction: the Gauss-Newton Hessian."""
        return self.transpose(self.apply(direction))


def _core_design(
    at_right: AbstractRestriction, at_left: AbstractRestriction, factors: Factors
) -> Float[Array, "p k n"]:
    """From the side whose restriction holds less."""
    (d1, r1), (d2, r2) = factors.left.shape, factors.right.shape
    if d1 * r2 <= d2 * r1:
        return at_right.core_design(factors.left)
    transposed = at_left.core_design(factors.right)
    return jnp.swapaxes(transposed.reshape(r2, r1, *transposed.shape[1:]), 0, 1).reshape(transposed.shape)


def _measure(core_design: Float[Array, "p k n"], cores: Float[Array, "k r1 r2"]) -> Float[Array, "k n"]:
    return combine_slices(cores.reshape(len(cores), -1), core_design)

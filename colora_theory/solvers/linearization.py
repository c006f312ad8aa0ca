"""The model to first order at an iterate: residual and products with the Jacobian."""

import equinox as eqx
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.linalg import contract, solve_normal
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractRestriction


class Linearization(eqx.Module):
    """The scaled measurements as a function of the three blocks, to first order.

    Costs two passes over the data to make; every product with the Jacobian then reads the two small restrictions only.

    Attributes:
        factors: the point of expansion.
        at_right: the scaled operator at its V.
        at_left: the scaled operator at its U.
        residual: scaled targets less scaled measurements.
    """

    factors: Factors
    at_right: AbstractRestriction
    at_left: AbstractRestriction
    residual: Float[Array, "k n"]

    @classmethod
    def at(cls, problem: Problem, factors: Factors) -> "Linearization":
        """The expansion at the given factors."""
        at_right = problem.restrict_right(factors.right)
        residual = problem.scaled_targets - at_right(_products(factors))
        return cls(factors, at_right, problem.restrict_left(factors.left), residual)

    def fit_cores(self) -> "Linearization":
        """The expansion at the same subspaces and the least-squares cores that go with them."""
        factors = self.factors
        system = self.at_right.core_system(factors.left, self.residual)
        increment = solve_normal(system.normal, system.descent).reshape(factors.cores.shape)
        change = Factors(factors.left, increment, factors.right)
        fitted = Factors(factors.left, factors.cores + increment, factors.right)
        return Linearization(fitted, self.at_right, self.at_left, self.residual - self.at_right(_products(change)))

    def apply(self, direction: Factors) -> Float[Array, "k n"]:
        """J times a direction."""
        factors = self.factors
        left_change = contract("ar,krs->kas", direction.left, factors.cores)
        core_change = contract("ar,krs->kas", factors.left, direction.cores)
        right_change = contract("bs,krs->kbr", direction.right, factors.cores)
        return self.at_right(left_change + core_change) + self.at_left(right_change)

    def transpose(self, measurements: Float[Array, "k n"]) -> Factors:
        """J^T times measurements; of the residual it is minus the gradient of the loss."""
        factors = self.factors
        through_right = self.at_right.adjoint(measurements)
        through_left = self.at_left.adjoint(measurements)
        return Factors(
            contract("kas,krs->ar", through_right, factors.cores),
            contract("ar,kas->krs", factors.left, through_right),
            contract("kbr,krs->bs", through_left, factors.cores),
        )

    def gram(self, direction: Factors) -> Factors:
        """J^T J times a direction: the Gauss-Newton Hessian."""
        return self.transpose(self.apply(direction))


def _products(factors: Factors) -> Float[Array, "k d1 r2"]:
    return contract("ar,krs->kas", factors.left, factors.cores)

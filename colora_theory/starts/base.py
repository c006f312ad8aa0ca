"""What every start offers."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.linalg import solve_normal
from colora_theory.problem import Problem
from colora_theory.solvers import AbstractSolver


class AbstractStart(eqx.Module):
    """A first guess of the subspaces; the cores that go with it are always the least-squares ones."""

    @abc.abstractmethod
    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        """Orthonormal left and right bases of the given ranks."""

    def __call__(self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray) -> Factors:
        """The first guess, with the best cores for its subspaces."""
        return fit_cores(problem, *self.subspaces(problem, rank, key))


def fit_cores(problem: Problem, left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"]) -> Factors:
    """The least-squares cores for given subspaces."""
    system = problem.restrict_right(right).core_system(left, problem.scaled_targets)
    cores = solve_normal(system.normal, system.descent)
    return Factors(left, cores.reshape(-1, left.shape[1], right.shape[1]), right)


def first_guess(
    problem: Problem, solver: AbstractSolver, left: Float[Array, "d1 r1"], right: Float[Array, "d2 r2"]
) -> Factors:
    """Where a solver begins: with the best cores, but without a pass over the data for those it would fit again."""
    if not solver.eliminates_cores:
        return fit_cores(problem, left, right)
    return Factors(left, jnp.zeros((len(problem.targets), left.shape[1], right.shape[1]), left.dtype), right)

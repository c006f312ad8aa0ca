"""Alternating minimization."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from colora_theory.factors import Factors
from colora_theory.linalg import contract, solve_normal, spectral_bound
from colora_theory.problem import Problem
from colora_theory.sensing import AbstractRestriction, NormalSystem
from colora_theory.solvers.base import AbstractSolver, State, half_square, relative_gradient

BLOCKS = ("cores", "left", "right")


class AlternatingMinimization(AbstractSolver):
    """Exact least squares in one block after the other: nonlinear block Gauss-Seidel.

    Every update solves for the increment from the current residual, so the squared condition number of the normal
    equations limits the speed of the last digits but not how many there are.

    Attributes:
        order: the blocks of one step, in the order of their updates.
        resolve_cores: whether the cores are solved again after each update of a factor.
    """

    order: tuple[str, ...] = eqx.field(static=True, default=BLOCKS)
    resolve_cores: bool = eqx.field(static=True, default=False)

    def __check_init__(self) -> None:
        if set(self.order) != set(BLOCKS):
            raise ValueError(f"order {self.order} must name each of the blocks {BLOCKS}, and nothing else")

    @property
    def updates(self) -> tuple[str, ...]:
        """All updates of one step."""
        if not self.resolve_cores:
            return self.order
        return tuple(update for block in self.order for update in ((block,) if block == "cores" else (block, "cores")))

    def init(self, problem: Problem, factors: Factors) -> State:
        return State(factors.orthonormalize(), problem.loss(factors), jnp.asarray(jnp.inf), None)

    def step(self, problem: Problem, state: State) -> State:
        sweep = _Sweep(problem, state.factors)
        for block in self.updates:
            sweep.update(block)
        residual = sweep.residual()
        return State(sweep.factors, half_square(residual), sweep.relative_gradient, None)


class _Sweep:
    """One pass over the blocks, which makes a pass over the data only when a fixed factor has changed.

    Lives inside a single trace: a scratch pad, not a pytree.
    """

    def __init__(self, problem: Problem, factors: Factors):
        self._problem = problem
        self.factors = factors
        self.relative_gradient = jnp.zeros((), factors.left.dtype)
        self._at_right: AbstractRestriction | None = None
        self._at_left: AbstractRestriction | None = None

    def at_right(self) -> AbstractRestriction:
        if self._at_right is None:
            self._at_right = self._problem.restrict_right(self.factors.right)
        return self._at_right

    def at_left(self) -> AbstractRestriction:
        if self._at_left is None:
            self._at_left = self._problem.restrict_left(self.factors.left)
        return self._at_left

    def residual(self) -> Float[Array, "k n"]:
        factors = self.factors
        if self._at_right is None and self._at_left is not None:
            predicted = self._at_left(contract("bs,krs->kbr", factors.right, factors.cores))
        else:
            predicted = self.at_right()(contract("ar,krs->kas", factors.left, factors.cores))
        return self._problem.scaled_targets - predicted

    def update(self, block: str) -> None:
        {"cores": self._update_cores, "left": self._update_left, "right": self._update_right}[block]()

    def _update_cores(self) -> None:
        factors = self.factors
        residual = self.residual()
        if self._at_right is None and self._at_left is not None:
            increment = self._solve(self._at_left.core_system(factors.right, residual), residual)
            increment = increment.reshape(factors.cores.mT.shape).mT
        else:
            increment = self._solve(self.at_right().core_system(factors.left, residual), residual)
            increment = increment.reshape(factors.cores.shape)
        self.factors = Factors(factors.left, factors.cores + increment, factors.right)

    def _update_left(self) -> None:
        factors = self.factors
        restriction = self.at_right()
        residual = self.residual()
        increment = self._solve(restriction.factor_system(factors.cores, residual), residual)
        left = factors.left + increment.reshape(factors.left.T.shape).T
        self.factors = Factors(left, factors.cores, factors.right).orthonormalize_left()
        self._at_left = None

    def _update_right(self) -> None:
        factors = self.factors
        restriction = self.at_left()
        self._at_right = None
        residual = self.residual()
        increment = self._solve(restriction.factor_system(factors.cores.mT, residual), residual)
        right = factors.right + increment.reshape(factors.right.T.shape).T
        self.factors = Factors(factors.left, factors.cores, right).orthonormalize_right()

    def _solve(self, system: NormalSystem, residual: Float[Array, "k n"]) -> Float[Array, "... p"]:
        measure = relative_gradient(system.descent, jnp.max(spectral_bound(system.normal)), jnp.linalg.norm(residual))
        self.relative_gradient = jnp.maximum(self.relative_gradient, measure)
        return solve_normal(system.normal, system.descent)

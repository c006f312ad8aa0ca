"""A start from a fit to few of the users."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from colora_theory.factors import Factors
from colora_theory.problem import Problem
from colora_theory.sensing import Sharded
from colora_theory.solvers import AbstractSolver, State, VariableProjection
from colora_theory.starts.base import AbstractStart, first_guess
from colora_theory.starts.stacked import Stacked

# An exact fit, as in `solve`; and the gradient below which noise has long set the limit, as a power of epsilon.
_EXACT_IN_EPS = 20.0
_OPTIMAL = 1 / 2


class FewUsers(AbstractStart):
    """The subspaces of a least-squares fit to as few users as determine them, from another start for all data.

    The subspaces are shared, so some users are enough to learn them, and a step on their data costs that much less.
    Without noise all that is left for the others is to fit their cores; with noise the fit to few is a start that is
    sqrt(k / k') times as far off as the fit to all. Here k' is the smallest number of users whose measurements exceed
    their unknowns by the factor `oversampling`, by shapes alone; where that is more than half of the users, or users
    cannot be had apart, the inner start is left as it is. A direction that only the users left out have is not
    found: the solver that follows has to.

    Attributes:
        start: where the fit begins.
        solver: what fits.
        oversampling: N / DoF of the chosen users, at least 1.
        max_steps: of the fit, at least 1.
    """

    start: AbstractStart = Stacked()
    solver: AbstractSolver = VariableProjection()
    oversampling: float = eqx.field(static=True, default=2.0)
    max_steps: int = eqx.field(static=True, default=50)

    def __check_init__(self) -> None:
        for name, value in (("oversampling", self.oversampling), ("max_steps", self.max_steps)):
            if not 1 <= value < float("inf"):
                raise ValueError(f"{name} {value} is outside [1, inf)")

    def users(self, problem: Problem, rank: tuple[int, int]) -> slice | None:
        """Those that are fitted; None if all are needed."""
        num_users, num_rows, num_cols = problem.sensing.weights_shape
        r1, r2 = rank
        shared = r1 * (num_rows - r1) + r2 * (num_cols - r2)
        spare = problem.sensing.num_samples - self.oversampling * r1 * r2
        spanning = max(2, -(-r1 // r2), -(-r2 // r1))
        count = max(spanning, math.ceil(self.oversampling * shared / spare)) if spare > 0 else num_users
        apart = 2 * count <= num_users and not isinstance(problem.sensing, Sharded)
        return problem.sensing.sample_users(count) if apart else None

    def subspaces(
        self, problem: Problem, rank: tuple[int, int], key: PRNGKeyArray
    ) -> tuple[Float[Array, "d1 r1"], Float[Array, "d2 r2"]]:
        left, right = self.start.subspaces(problem, rank, key)
        users = self.users(problem, rank)
        if users is None:
            return left, right
        few = problem.take_users(users)
        found = self._fit(few, first_guess(few, self.solver, left, right)).orthonormalize()
        sound = jnp.all(jnp.isfinite(found.left)) & jnp.all(jnp.isfinite(found.right))
        return jnp.where(sound, found.left, left), jnp.where(sound, found.right, right)

    def _fit(self, problem: Problem, factors: Factors) -> Factors:
        eps = float(jnp.finfo(problem.targets.dtype).eps)
        exact = 0.5 * jnp.square(_EXACT_IN_EPS * eps * jnp.linalg.norm(problem.scaled_targets))

        def unfinished(carry: tuple[Int[Array, ""], Float[Array, ""], State]) -> Bool[Array, ""]:
            index, earlier, state = carry
            return (index < self.max_steps) & (earlier > exact) & (state.relative_gradient > eps**_OPTIMAL)

        def advance(
            carry: tuple[Int[Array, ""], Float[Array, ""], State],
        ) -> tuple[Int[Array, ""], Float[Array, ""], State]:
            index, _, state = carry
            return index + 1, state.loss, self.solver.step(problem, state)

        # An exact fit to few is a step away from one to all: it is taken here, where it costs least.
        begin = (jnp.zeros((), jnp.int32), jnp.full_like(exact, jnp.inf), self.solver.init(problem, factors))
        *_, state = jax.lax.while_loop(unfinished, advance, begin)
        found: Factors = state.factors
        return found

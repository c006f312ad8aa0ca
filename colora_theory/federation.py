"""Simulated rounds: what becomes of two methods when some users do not answer, and others answer too late.

The server sums whatever has arrived. A user who answers fits its core first, so it does not matter how long it was
away. What comes late is about earlier bases of U and V: those turn as little as they can (polar factor).
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from colora_theory.factors import Factors
from colora_theory.grassmann import nearest_basis
from colora_theory.linalg import contract, safe_divide, solve_normal
from colora_theory.problem import Problem
from colora_theory.rounds import ended, seen_at, take_rounds
from colora_theory.sensing import AbstractRestriction, NormalSystem
from colora_theory.solution import Solution, Trace
from colora_theory.solvers.first_order import tree_add, tree_dot
from colora_theory.solvers.linearization import Linearization
from colora_theory.starts import AbstractStart, Stacked, fit_cores

# Of the exact step along the gradient, as in `solvers.AltGDmin`.
_STEP = 0.9


class Attendance(eqx.Module):
    """Who answers in a round, drawn anew for every user and round.

    Attributes:
        answering: the probability that a user answers at all, in (0, 1].
        late: the share of the answers that arrive one round of their kind late, in [0, 1).
    """

    answering: float | Float[Array, ""] = 1.0
    late: float | Float[Array, ""] = 0.0

    def __check_init__(self) -> None:
        if isinstance(self.answering, int | float) and not 0 < self.answering <= 1:
            raise ValueError(f"answering {self.answering} is outside (0, 1]")
        if isinstance(self.late, int | float) and not 0 <= self.late < 1:
            raise ValueError(f"late {self.late} is outside [0, 1)")

    def draw(self, key: PRNGKeyArray, like: Float[Array, " k"]) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """Ones for the users who answer in time, and ones for those who answer late."""
        place = jax.random.uniform(key, like.shape, like.dtype)
        answers, in_time = (place < bound for bound in (self.answering, self.answering * (1 - self.late)))
        return in_time.astype(like.dtype), (answers & ~in_time).astype(like.dtype)


class _Answers(eqx.Module):
    """Late normal equations of U and of V, for these factors themselves, not for increments."""

    left: NormalSystem
    right: NormalSystem


def federated_alternating(
    problem: Problem,
    rank: int | tuple[int, int],
    start: AbstractStart | None = None,
    *,
    attendance: Attendance,
    key: PRNGKeyArray | None = None,
    max_steps: int = 100,
    observe: Callable[[Factors], Any] | None = None,
) -> Solution:
    """Alternating minimization by the normal equations that have arrived: a round for U and a round for V in each step.

    With everybody in time these are the iterates of `solvers.AlternatingMinimization(resolve_cores=True)`.

    Args:
        problem: the data of all users.
        rank: r or (r1, r2).
        start: stacked if left out; every user takes part in it.
        attendance: who answers.
        key: randomness of the start and of the attendance.
        max_steps: number of steps.
        observe: a pure function of the iterate, with the best cores of all users, traced along.

    Returns:
        A `Solution` with the best cores of all users, status MAX_STEPS, or NONFINITE, and a trace.
    """

    def step(step_key: PRNGKeyArray, carry: tuple[Factors, _Answers]) -> tuple[Factors, _Answers]:
        factors, waiting = carry
        left_key, right_key = jax.random.split(step_key)

        cores = fit_cores(problem, factors.left, factors.right).cores
        at_right = problem.restrict_right(factors.right)
        left, late_left = _update(
            problem, at_right, factors.left, cores, attendance.draw(left_key, problem.targets[:, 0]), waiting.left
        )
        cores = fit_cores(problem, left, factors.right).cores
        at_left = problem.restrict_left(left)
        right, late_right = _update(
            problem, at_left, factors.right, cores.mT, attendance.draw(right_key, problem.targets[:, 0]), waiting.right
        )
        return Factors(left, cores, right), _Answers(late_left, late_right)

    def nothing(factors: Factors) -> _Answers:
        sizes = factors.left.size, factors.right.size
        dtype = factors.left.dtype
        return _Answers(*(NormalSystem(jnp.zeros((size, size), dtype), jnp.zeros(size, dtype)) for size in sizes))

    return _simulate(problem, rank, start, key, max_steps, observe, nothing, step)


def _update(
    problem: Problem,
    restriction: AbstractRestriction,
    free: Float[Array, "d p"],
    cores: Float[Array, "k p r"],
    attending: tuple[Float[Array, " k"], Float[Array, " k"]],
    waiting: NormalSystem,
) -> tuple[Float[Array, "d p"], NormalSystem]:
    """The factor from the answers in time and those that were late last time, and the late ones of this time."""
    residual = problem.scaled_targets - restriction(contract("ar,krs->kas", free, cores))
    # An answer is linear in the core: a core of zero is no answer.
    fresh, late = (restriction.factor_system(cores * there[:, None, None], residual) for there in attending)
    flat = free.T.reshape(-1)
    normal = fresh.normal + waiting.normal
    descent = fresh.descent + waiting.descent - contract("pq,q->p", waiting.normal, flat)
    moved = (flat + solve_normal(normal, descent)).reshape(free.T.shape).T
    return nearest_basis(moved)[0], NormalSystem(late.normal, late.descent + contract("pq,q->p", late.normal, flat))


def federated_altgdmin(
    problem: Problem,
    rank: int | tuple[int, int],
    start: AbstractStart | None = None,
    *,
    attendance: Attendance,
    key: PRNGKeyArray | None = None,
    max_steps: int = 100,
    observe: Callable[[Factors], Any] | None = None,
) -> Solution:
    """AltGDmin by the gradients that have arrived, late ones about the iterate before.

    The length of the step is the exact one for the users in time, in proportion to how many have answered. Arguments
    and result as for `federated_alternating`; with everybody in time these are the iterates of `solvers.AltGDmin`.
    """

    def step(step_key: PRNGKeyArray, carry: tuple[Factors, PyTree]) -> tuple[Factors, PyTree]:
        factors, (waiting, waiting_count) = carry
        in_time, late = attendance.draw(step_key, problem.targets[:, 0])
        model = Linearization.at(problem, factors).fit_cores()

        def gradient(there: Float[Array, " k"]) -> Factors:
            whole = model.transpose(there[:, None] * model.residual)
            return eqx.tree_at(lambda block: block.cores, whole, jnp.zeros_like(whole.cores))

        descent = tree_add(gradient(in_time), 1.0, waiting)
        rest, _ = model.absorb(model.apply(descent))
        count = jnp.sum(in_time)
        curvature = jnp.sum(jnp.square(in_time[:, None] * rest)) * safe_divide(count + waiting_count, count)
        moved = tree_add(factors, _STEP * safe_divide(tree_dot(descent, descent), curvature), descent)
        following = Factors(nearest_basis(moved.left)[0], factors.cores, nearest_basis(moved.right)[0])
        return following, (gradient(late), jnp.sum(late))

    def nothing(factors: Factors) -> PyTree:
        return jax.tree.map(jnp.zeros_like, factors), jnp.zeros((), factors.left.dtype)

    return _simulate(problem, rank, start, key, max_steps, observe, nothing, step)


def _simulate(
    problem: Problem,
    rank: int | tuple[int, int],
    start: AbstractStart | None,
    key: PRNGKeyArray | None,
    max_steps: int,
    observe: Callable[[Factors], Any] | None,
    nothing: Callable[[Factors], Any],
    step: Callable[[PRNGKeyArray, tuple[Factors, Any]], tuple[Factors, Any]],
) -> Solution:
    """The loop over the steps: from a start, and from nothing that waits to be summed."""
    start_key, attendance_key = jax.random.split(jax.random.key(0) if key is None else key)
    first = (Stacked() if start is None else start)(problem, problem.check_rank(rank), start_key)

    def best(factors: Factors) -> Linearization:
        return Linearization.at(problem, factors).fit_cores()

    def see(carry: tuple[Factors, Any]) -> Trace:
        model = best(carry[0])
        return seen_at(problem, model, None if observe is None else observe(model.factors))

    def turn(carry: tuple[Factors, Any], index: Array) -> tuple[Factors, Any]:
        return step(jax.random.fold_in(attendance_key, index), carry)

    (last, _), trace = take_rounds(turn, see, (first, nothing(first)), max_steps)
    return ended(problem, best(last).factors, max_steps, jax.tree.map(lambda each: each[-1], trace), trace)

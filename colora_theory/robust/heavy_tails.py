"""Huber's loss for noise with heavy tails."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from colora_theory.checks import OwnData
from colora_theory.display import Rows, Shown
from colora_theory.factors import Factors
from colora_theory.linalg import AnyArray, safe_divide
from colora_theory.precision import precision_of
from colora_theory.problem import Problem
from colora_theory.restarts import solve_with_restarts
from colora_theory.robust.data import factors_of, problem_of
from colora_theory.solution import Solution, Status
from colora_theory.solve import solve
from colora_theory.solvers import AbstractSolver, VariableProjection
from colora_theory.starts import Near, Stacked, Turned
from colora_theory.theory import degrees_of_freedom

# The median of the absolute value of a normal variable over its standard deviation.
_NORMAL_MEDIAN = 0.6744897501960817
# The scale is taken anew so often before it stays; attempts of the least-squares fit before.
_SCALINGS = 5
_ATTEMPTS = 5
# Power of epsilon below which a relative gradient is zero. Reweighting converges linearly: less exactly than `solve`.
_FLAT = 1 / 2
# Residuals below so many epsilons of the measurements are rounding.
_ROUNDING_IN_EPS = 100.0
_SOLVER = VariableProjection()


class HuberFit(Shown):
    """What came out.

    Attributes:
        solution: the fit, whose status says whether the gradient of Huber's loss is zero; its relative residual is
            that of the last weighted least squares.
        scale: the robust estimate of the standard deviation of a measurement of weight one; residuals of more than
            delta times this count by their absolute value.
        delta: in units of the scale.
        sample_weights: what the squares of the residuals were multiplied by in the last weighted least squares, those
            of the problem included, shape (num_users, num_samples): far below those of the problem for what was taken
            for a rare large error.
        losses: Huber's loss before the first and after each reweighting at the final scale, shape (steps + 1,); never
            rising.
    """

    solution: Solution
    scale: float = eqx.field(static=True)
    delta: float = eqx.field(static=True)
    sample_weights: Float[np.ndarray, "k n"]
    losses: Float[np.ndarray, " steps"]

    @property
    def weights(self) -> Float[AnyArray, "k d1 d2"]:
        """The users' weight matrices W_i, the frozen weight included; shape (num_users, num_rows, num_cols)."""
        return self.solution.weights

    def facts(self) -> Rows:
        return [
            ("delta", f"{self.delta:g} times the scale"),
            ("scale", f"{self.scale:.2e}"),
            *self.solution.facts(),
        ]


def huber(
    A: OwnData | Problem,
    y: OwnData | None = None,
    rank: int | tuple[int, int] | None = None,
    *,
    delta: float = 1.345,
    max_steps: int = 200,
    solver: AbstractSolver = _SOLVER,
) -> HuberFit:
    """Fits W_0 + U C_i V^T by Huber's loss: squares of small residuals, absolute values of large ones.

    rho(e) = e^2 / 2 up to delta s, and delta s (|e| - delta s / 2) beyond (P. J. Huber, Annals of Mathematical
    Statistics 35, 1964), in units of a scale s: the median of the absolute residuals over that of a normal variable,
    times sqrt(N / (N - DoF)). From the least-squares fit, weighted least squares are solved with weights min(1, delta s
    / |e|): each of them lies above the loss and touches it, so the loss never rises. The scale is taken anew five
    times, then stays. With the default delta, 95% as efficient as least squares where the noise is normal and there are
    many measurements for each unknown.

    Works in the precision of the data and returns numpy arrays. For single bad measurements; for users who are unlike
    the rest in all they have measured, see `robust.fit`.

    Args:
        A: sensing matrices as in `colora_theory.fit`, or a `Problem`, which holds all the data.
        y: measurements, as there.
        rank: r, or (r1, r2).
        delta: where the loss turns, in units of the scale.
        max_steps: reweightings at each scale, at most.
        solver: of every weighted least squares.

    Raises:
        TypeError: for bad data, no rank, or data beside a `Problem`.
        ValueError: for bad data, an impossible rank, a delta or a step limit that is not positive, or no more
            measurements than unknowns, which tell no scale.
    """
    if rank is None:
        raise TypeError("rank is missing: an integer, or a pair of them")
    if not (delta > 0 and math.isfinite(delta)):
        raise ValueError(f"delta {delta} is not a positive number: 1.345 is 95% efficient where the noise is normal")
    if max_steps < 1:
        raise ValueError(f"max_steps {max_steps} is below 1")
    with precision_of(*((A.targets,) if isinstance(A, Problem) else (A, y))):
        problem = problem_of(A, y)
        pair = problem.check_rank(rank)
        measurements = int(np.count_nonzero(np.asarray(problem.sample_weights)))
        unknowns = degrees_of_freedom(*problem.sensing.weights_shape, pair)
        if measurements <= unknowns:
            raise ValueError(
                f"{measurements} measurements for {unknowns} unknowns leave no residual that tells a scale: take more "
                "samples, or a lower rank"
            )
        stretch = math.sqrt(measurements / (measurements - unknowns))
        starts = (Stacked(), Turned(Stacked()))
        solution = solve_with_restarts(problem, solver, starts, pair, attempts=_ATTEMPTS)
        for _ in range(_SCALINGS):
            scale = stretch * _scale(problem, factors_of(solution))
            solution, weights, losses = _reweight(problem, solver, solution, delta * scale, max_steps)
        return HuberFit(jax.tree.map(np.asarray, solution), scale, float(delta), np.asarray(weights), np.array(losses))


def _scale(problem: Problem, factors: Factors) -> float:
    """The median absolute residual as a standard deviation; at least what rounding leaves."""
    counted = np.asarray(problem.sample_weights) > 0
    residual = np.abs(np.asarray(problem.residual(factors), float))[counted]
    size = math.sqrt(float(np.mean(np.square(np.asarray(problem.scaled_targets, float)[counted]))))
    rounding = _ROUNDING_IN_EPS * float(np.finfo(problem.targets.dtype).eps) * size
    return max(float(np.median(residual)) / _NORMAL_MEDIAN, rounding, float(np.finfo(problem.targets.dtype).tiny))


def _reweight(
    problem: Problem, solver: AbstractSolver, solution: Solution, bend: float, max_steps: int
) -> tuple[Solution, Float[Array, "k n"], list[float]]:
    """Weighted least squares until the gradient of the loss that turns at `bend` is zero."""
    dtype = problem.targets.dtype
    turn = jnp.asarray(bend, dtype)
    flat = float(jnp.finfo(dtype).eps) ** _FLAT
    losses: list[float] = []
    status = Status.MAX_STEPS
    while True:
        factors = factors_of(solution)
        loss, weights = _majorize(problem, factors, turn)
        losses.append(float(loss))
        if status is Status.CONVERGED or len(losses) > max_steps:
            break
        weighted = Problem(problem.sensing, problem.targets, weights, problem.offset)
        solution = solve(weighted, solver, Near(factors.orthonormalize()), factors.rank)
        assert solution.trace is not None
        # At the point where weights were taken, the gradient of their sum of squares is that of the loss itself.
        if float(solution.trace.relative_gradient[1]) <= flat or float(loss) == 0:
            status = Status.CONVERGED
    return eqx.tree_at(lambda each: each.status, solution, jnp.asarray(status, jnp.int32)), weights, losses


@eqx.filter_jit
def _majorize(
    problem: Problem, factors: Factors, bend: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, "k n"]]:
    """Huber's loss of the scaled residuals, and the weights of the squares that touch it there."""
    size = jnp.abs(problem.residual(factors))
    small = size <= bend
    loss = jnp.sum(jnp.where(small, 0.5 * jnp.square(size), bend * (size - 0.5 * bend)))
    return loss, problem.sample_weights * jnp.where(small, 1.0, safe_divide(jnp.broadcast_to(bend, size.shape), size))

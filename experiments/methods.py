"""The methods and starts a grid can name: adding one is one entry."""

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

import colora_theory as ct
from colora_theory.experiments.errors import ConfigError

# Variable projection needs few steps where it succeeds; another attempt is worth more than many further ones.
ATTEMPTS = 10
STEPS_OF_ATTEMPT = 60
# Where first-order methods are usually stopped; the rest of the way would not change an error by one in a thousand.
LOOSE_GRADIENT = 1e-6


class Cell(NamedTuple):
    """What a method may need to solve one drawn instance."""

    instance: ct.Instance
    rank: tuple[int, int]
    start: str
    key: PRNGKeyArray
    max_steps: int
    observe: Callable[[ct.Factors], Float[Array, ""]] | None

    def solve(self, solver: ct.solvers.AbstractSolver, gradient_tol: float | None = None) -> ct.Solution:
        """The solution of all users together by one solver."""
        return ct.solve(
            self.instance.problem,
            solver,
            STARTS[self.start],
            self.rank,
            key=self.key,
            max_steps=self.max_steps,
            gradient_tol=gradient_tol,
            observe=self.observe,
        )

    def solve_whitened(self, solver: ct.solvers.AbstractSolver) -> ct.Solution:
        """The same in the variables in which the design, by its estimated covariance, is isotropic."""
        white, start, observe = ct.whiten(self.instance.problem), STARTS[self.start], self.observe

        def observe_restored(factors: ct.Factors) -> Float[Array, ""]:
            assert observe is not None
            return observe(white.restore(factors))

        solution = ct.solve(
            white.problem,
            solver,
            start,
            self.rank,
            key=self.key,
            max_steps=self.max_steps,
            observe=None if observe is None else observe_restored,
        )
        assert isinstance(solution.factors, ct.Factors)
        return eqx.tree_at(lambda solution: solution.factors, solution, white.restore(solution.factors))

    def stop_at_start(self) -> ct.Solution:
        """What the start gives by itself: no step is taken, so the status is MAX_STEPS."""
        problem = self.instance.problem
        # The state that every solver begins with; it knows the loss and the gradient.
        first = ct.solvers.AlternatingMinimization().init(problem, STARTS[self.start](problem, self.rank, self.key))
        return ct.Solution(
            first.factors.orthonormalize(),
            jnp.asarray(ct.Status.MAX_STEPS, jnp.int32),
            jnp.asarray(0, jnp.int32),
            jnp.sqrt(2 * first.loss) / jnp.linalg.norm(problem.scaled_targets),
            first.relative_gradient,
            None,
            problem.offset,
        )

    def fit(self, baseline: Callable[..., ct.Solution]) -> ct.Solution:
        """The solution of a baseline with a model of its own, by alternating minimization from a stacked start."""
        return baseline(self.instance.problem, self.rank, key=self.key, max_steps=self.max_steps)

    def take_rounds(self, method: Callable[..., ct.Solution], **keywords: Any) -> ct.Solution:
        """The solution of a method that runs in rounds, from the grid's start."""
        return method(
            self.instance.problem,
            self.rank,
            STARTS[self.start],
            key=self.key,
            max_steps=self.max_steps,
            observe=self.observe,
            **keywords,
        )

    def solve_with_restarts(self) -> ct.Solution:
        """The best of several attempts of variable projection from the library's escalation of starts."""
        return ct.solve_with_restarts(
            self.instance.problem,
            ct.solvers.VariableProjection(),
            ct.ESCALATION,
            self.rank,
            attempts=ATTEMPTS,
            key=self.key,
            max_steps=min(self.max_steps, STEPS_OF_ATTEMPT),
        )

    def shrink(self) -> ct.Solution:
        """The empirical-Bayes estimate from the maximum-likelihood fit; status and steps are those of the fit."""
        problem, fit = self.instance.problem, self.solve_with_restarts()
        assert isinstance(fit.factors, ct.Factors)
        factors = ct.shrink(problem, fit.factors).factors
        residual = jnp.linalg.norm(problem.residual(factors)) / jnp.linalg.norm(problem.scaled_targets)
        return eqx.tree_at(lambda solution: (solution.factors, solution.relative_residual), fit, (factors, residual))


class Method(NamedTuple):
    """How one cell is solved.

    Attributes:
        solve: what is run.
        own_start: the start it always uses; None: the grid's.
        sender: the solver or baseline whose messages are counted where a trace is asked for; None: they are not.
        version: what its results depend on beside the source of this package; empty for the methods below.
    """

    solve: Callable[[Cell], ct.Solution]
    own_start: str | None = None
    sender: ct.solvers.AbstractSolver | Callable[..., ct.Solution] | None = None
    version: str = ""


def _by(solver: ct.solvers.AbstractSolver) -> Method:
    """One solver, from the grid's start."""
    return Method(lambda cell: cell.solve(solver), sender=solver)


def _averaging(baseline: Callable[..., ct.Solution]) -> Method:
    """A baseline in rounds, from the grid's start."""
    return Method(lambda cell: cell.take_rounds(baseline), sender=baseline)


def _attended(simulation: Callable[..., ct.Solution], **who: float) -> Method:
    """Rounds in which not everybody answers in time."""
    return Method(lambda cell: cell.take_rounds(simulation, attendance=ct.Attendance(**who)))


METHODS: dict[str, Method] = {
    "alternating": _by(ct.solvers.AlternatingMinimization()),
    "variable_projection": _by(ct.solvers.VariableProjection()),
    "gradient_descent": _by(ct.solvers.GradientDescent()),
    "altgdmin": _by(ct.solvers.AltGDmin()),
    "altgdmin_whitened": Method(lambda cell: cell.solve_whitened(ct.solvers.AltGDmin())),
    "scaled_gradient_descent": _by(ct.solvers.ScaledGradientDescent()),
    "scaled_lbfgs": _by(ct.solvers.ScaledLBFGS()),
    "factored_lbfgs": Method(lambda cell: cell.solve(ct.solvers.FactoredLBFGS())),
    "annealed": Method(lambda cell: cell.solve(ct.solvers.VariableProjection()), own_start="annealed"),
    "auto": Method(Cell.solve_with_restarts, own_start="escalation"),
    "empirical_bayes": Method(Cell.shrink, own_start="escalation"),
    "start": Method(Cell.stop_at_start),
    "method_of_moments": Method(Cell.stop_at_start, own_start="method_of_moments"),
    "first_order": Method(lambda cell: cell.solve(ct.solvers.FactoredLBFGS(), LOOSE_GRADIENT), own_start="random"),
    "fedrep": Method(lambda cell: cell.solve(ct.solvers.FedRep()), own_start="random"),
    "fed_sgd": Method(lambda cell: cell.fit(ct.baselines.fed_sgd), own_start="random"),
    "average_factors": _averaging(ct.baselines.average_factors),
    "average_products": _averaging(ct.baselines.average_products),
    "alternating_half": _attended(ct.federated_alternating, answering=0.5),
    "alternating_fifth": _attended(ct.federated_alternating, answering=0.2),
    "alternating_late": _attended(ct.federated_alternating, answering=0.7, late=0.3),
    "altgdmin_half": _attended(ct.federated_altgdmin, answering=0.5),
    "altgdmin_fifth": _attended(ct.federated_altgdmin, answering=0.2),
    "altgdmin_late": _attended(ct.federated_altgdmin, answering=0.7, late=0.3),
    "nuclear_norm": Method(
        lambda cell: ct.baselines.nuclear_norm(cell.instance.problem, cell.rank, max_steps=cell.max_steps),
        own_start="none",
    ),
    "alone": Method(lambda cell: cell.fit(ct.baselines.alone), own_start="stacked"),
    "pooled": Method(lambda cell: cell.fit(ct.baselines.pooled), own_start="stacked"),
    "oracle": Method(lambda cell: ct.baselines.oracle(cell.instance.problem, cell.instance.truth), own_start="none"),
}

STARTS: dict[str, ct.starts.AbstractStart] = {
    "pooled": ct.starts.Pooled(),
    "stacked": ct.starts.Stacked(),
    "weighted": ct.starts.Weighted(),
    "corrected": ct.starts.Corrected(),
    "two_replica": ct.starts.TwoReplica(),
    "method_of_moments": ct.starts.MethodOfMoments(),
    "random": ct.starts.Random(),
    "annealed": ct.starts.Annealed(),
    **{f"annealed_{sweeps}": ct.starts.Annealed(sweeps=sweeps) for sweeps in (10, 30, 100, 300, 1000)},
}


def register_method(name: str, solver: ct.solvers.AbstractSolver) -> None:
    """Let the grids of this process name a solver of your own; it runs from the grid's start, like all others.

    Stored results under that name are taken for those of this very call only: after it, and in every new process, all
    is computed again, since nothing tells whether the code of the solver is still the same. Worker processes know
    nothing of it. Its messages are not counted.

    Args:
        name: for `method` in a grid.
        solver: an instance.

    Raises:
        ConfigError: If a method of the package has that name; one that was registered may be registered anew.
    """
    if name in METHODS and not METHODS[name].version:
        raise ConfigError(f"method {name!r} is one of the package; give yours another name")
    METHODS[name] = Method(lambda cell: cell.solve(solver), version=uuid.uuid4().hex)

"""The methods and starts a grid can name: adding one is one entry."""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Array, Float, PRNGKeyArray

import colora_theory as ct


class Cell(NamedTuple):
    """What a method may need to solve one drawn instance."""

    instance: ct.Instance
    rank: tuple[int, int]
    start: str
    key: PRNGKeyArray
    max_steps: int
    observe: Callable[[ct.Factors], Float[Array, ""]] | None

    def solve(self, solver: ct.solvers.AbstractSolver) -> ct.Solution:
        """The solution of all users together by one solver."""
        start = STARTS[self.start]
        problem, steps = self.instance.problem, self.max_steps
        return ct.solve(problem, solver, start, self.rank, key=self.key, max_steps=steps, observe=self.observe)

    def fit(self, baseline: Callable[..., ct.Solution]) -> ct.Solution:
        """The solution of a baseline with a model of its own, by alternating minimization from a stacked start."""
        return baseline(self.instance.problem, self.rank, key=self.key, max_steps=self.max_steps)


class Method(NamedTuple):
    """How one cell is solved, and the start it always uses (None: the grid's)."""

    solve: Callable[[Cell], ct.Solution]
    own_start: str | None = None


METHODS: dict[str, Method] = {
    "alternating": Method(lambda cell: cell.solve(ct.solvers.AlternatingMinimization())),
    "variable_projection": Method(lambda cell: cell.solve(ct.solvers.VariableProjection())),
    "gradient_descent": Method(lambda cell: cell.solve(ct.solvers.GradientDescent())),
    "altgdmin": Method(lambda cell: cell.solve(ct.solvers.AltGDmin())),
    "alone": Method(lambda cell: cell.fit(ct.baselines.alone), own_start="stacked"),
    "pooled": Method(lambda cell: cell.fit(ct.baselines.pooled), own_start="stacked"),
    "oracle": Method(lambda cell: ct.baselines.oracle(cell.instance.problem, cell.instance.truth), own_start="none"),
}

STARTS: dict[str, ct.starts.AbstractStart] = {
    "pooled": ct.starts.Pooled(),
    "stacked": ct.starts.Stacked(),
    "random": ct.starts.Random(),
}

"""The table of methods; a new solver of ours is one line in it."""

import dataclasses
import importlib
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.draws import Data
from benchmarks.errors import NotPossibleError, check_names
from benchmarks.methods import base

OURS = "colora-theory"


@dataclasses.dataclass(frozen=True)
class Method:
    """A package at its settings.

    Attributes:
        name: how it is called.
        label: how it is called in figures.
        package: the distribution it is in.
        module: in this folder; a peer's has `prepare(data, **settings)`.
        settings: what is chosen there.
    """

    name: str
    label: str
    package: str
    module: str
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether it is a solver of this package."""
        return self.package == OURS

    def version(self) -> str | None:
        """The installed version of the package; None if it is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return None

    def measure(self, data: Data, cap: float, on_first: Callable[[], None]) -> base.Outcome:
        """Measure the method; imports its package.

        Raises:
            NotPossibleError: if it cannot be run.
        """
        if self.version() is None:
            raise NotPossibleError(f"{self.package} is not installed")
        module = importlib.import_module(f"benchmarks.methods.{self.module}")
        if self.ours:
            outcome: base.Outcome = module.measure(data, cap, on_first, **self.settings)
            return outcome
        return base.measure(lambda data: module.prepare(data, **self.settings), data, cap, on_first)


def _ours(name: str, label: str, solver: str, max_steps: int, start: str = "Stacked") -> Method:
    return Method(name, label, OURS, "ours", {"solver": solver, "start": start, "max_steps": max_steps})


METHODS = {
    method.name: method
    for method in (
        _ours("variable_projection", "variable projection (ours)", "VariableProjection", 200),
        _ours("few_users", "few users first (ours)", "VariableProjection", 200, "FewUsers"),
        _ours("alternating", "alternating minimization (ours)", "AlternatingMinimization", 1000),
        _ours("scaled_gradient", "scaled gradient descent (ours)", "ScaledGradientDescent", 1000),
        _ours("scaled_lbfgs", "scaled L-BFGS (ours)", "ScaledLBFGS", 1000),
        Method("pymanopt-tr", "trust regions", "pymanopt", "riemannian", {"optimizer": "trust_regions"}),
        Method("pymanopt-cg", "conjugate gradients", "pymanopt", "riemannian", {"optimizer": "conjugate_gradient"}),
        Method("scipy-lbfgs", "L-BFGS", "scipy", "lbfgs"),
        Method("torch-altgdmin", "AltGDmin", "torch", "altgdmin"),
        Method("torch-adam", "Adam", "torch", "adam"),
        Method("tensorly", "Tucker, tuned", "tensorly", "tucker", {"tuned": True}),
        Method("tensorly-default", "Tucker, default", "tensorly", "tucker", {"tuned": False}),
        Method("cvxpy", "nuclear norms", "cvxpy", "nuclear"),
    )
}


def select(names: Sequence[str]) -> list[Method]:
    """The methods of these names, in the order of the table; all of them for "all".

    Raises:
        BenchError: for an unknown name.
    """
    wanted = check_names("method", names, METHODS)
    return [method for name, method in METHODS.items() if name in wanted]

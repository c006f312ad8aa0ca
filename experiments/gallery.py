"""Finds the figure scripts and runs them over a results folder."""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import colora_theory.figures
from colora_theory.experiments.errors import ConfigError, unknown_name
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.store import Store
from colora_theory.experiments.sweeps import find_sweep


def figure_modules() -> dict[str, ModuleType]:
    """The figures by name: the modules of `colora_theory.figures` that have `main` and say their `SWEEP`."""
    found = {}
    for info in pkgutil.iter_modules(colora_theory.figures.__path__):
        module = importlib.import_module(f"colora_theory.figures.{info.name}")
        if hasattr(module, "main") and hasattr(module, "SWEEP"):
            found[info.name] = module
    return found


def select(names: Sequence[str]) -> dict[str, ModuleType]:
    """The figures of those names, all of them if none is given.

    Raises:
        ConfigError: If there is no such figure.
    """
    known = figure_modules()
    for name in names:
        if name not in known:
            raise ConfigError(unknown_name("figure", name, known))
    return {name: known[name] for name in names} if names else known


def draw(module: ModuleType, preset: str, results: Path, out: Path) -> None:
    """Draw one figure.

    Raises:
        ColoraError: If its table is missing, or is that of another version of the sweep.
    """
    Store(results).load_planned(make_plan(find_sweep(module.SWEEP).config(preset), preset))
    module.main(["--results", str(results), "--preset", preset, "--out", str(out)])

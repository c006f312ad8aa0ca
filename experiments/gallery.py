"""Finds the figure scripts and runs them over a results folder."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pandas as pd

import colora_theory.figures
from colora_theory.experiments.errors import ConfigError, unknown_name
from colora_theory.experiments.plan import make_plan
from colora_theory.experiments.store import Store
from colora_theory.experiments.sweeps import find_sweep
from colora_theory.figures import alt, style


@dataclasses.dataclass(frozen=True)
class Picture:
    """A figure without its caption, to be shown on a screen.

    Attributes:
        name: of the figure.
        svg: an SVG document.
        caption: its caption.
        alt: what it shows, for those who do not see it.
    """

    name: str
    svg: str
    caption: str
    alt: str


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


def picture(name: str, module: ModuleType, table: pd.DataFrame, preset: str) -> Picture:
    """Draw the figure `name` of a table of its sweep for a screen; the same table gives the same picture."""
    with style.paper_style():
        figure, caption = module.draw(table, preset)
        words = alt.describe(figure)
        return Picture(name, style.svg(figure, name), caption, words)

"""Finds the figure scripts and runs them over a results folder; what is heavy is imported when it is needed."""

import dataclasses
import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import colora_theory.figures
from colora_theory.experiments.errors import ConfigError, unknown_name
from colora_theory.experiments.sweeps import find_sweep

if TYPE_CHECKING:
    import pandas as pd


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


def figure_names() -> list[str]:
    """The modules of `colora_theory.figures` that say their `SWEEP`; none is imported for it."""
    sources = (path for folder in colora_theory.figures.__path__ for path in Path(folder).glob("*.py"))
    return sorted(path.stem for path in sources if "\nSWEEP = " in path.read_text(encoding="utf-8"))


def check_figures(names: Sequence[str] | None) -> list[str]:
    """The names, if there are figures of these names.

    Raises:
        ConfigError: If there is no figure of one of them.
    """
    known = figure_names()
    for name in names or ():
        if name not in known:
            raise ConfigError(unknown_name("figure", name, known))
    return list(names or ())


def figure_modules(names: Sequence[str] = ()) -> dict[str, ModuleType]:
    """The figures of those names, all of them if none is given.

    Raises:
        ConfigError: If there is no such figure.
    """
    wanted = check_figures(names) or figure_names()
    return {name: importlib.import_module(f"colora_theory.figures.{name}") for name in wanted}


def draw(module: ModuleType, preset: str, results: Path, out: Path) -> list[Path]:
    """Draw one figure into a folder, and return its files there.

    Raises:
        ColoraError: If its table is missing, or is that of another version of the sweep.
    """
    from colora_theory.experiments.plan import make_plan
    from colora_theory.experiments.store import Store

    Store(results).load_planned(make_plan(find_sweep(module.SWEEP).config(preset), preset))
    module.main(["--results", str(results), "--preset", preset, "--out", str(out)])
    return sorted(out.glob(f"{module.__name__.rpartition('.')[2]}.*"))


def picture(name: str, module: ModuleType, table: "pd.DataFrame", preset: str) -> Picture:
    """Draw the figure `name` of a table of its sweep for a screen; the same table gives the same picture."""
    from colora_theory.figures import alt, style

    with style.paper_style():
        figure, caption = module.draw(table, preset)
        words = alt.describe(figure)
        return Picture(name, style.svg(figure, name), caption, words)

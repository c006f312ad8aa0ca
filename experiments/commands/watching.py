"""How far sweeps are: status."""

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from colora_theory.experiments.commands.options import RESULTS, AsJson, Results, sweep_names
from colora_theory.experiments.commands.speech import print_json, say
from colora_theory.experiments.errors import ConfigError, unknown_name
from colora_theory.experiments.presets import CUSTOM
from colora_theory.experiments.sweeps import SWEEPS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from colora_theory.experiments.status import Standing, Survey

_SECONDS_BETWEEN_LOOKS = 2.0


def status(
    name: Annotated[
        str | None, typer.Argument(help="All that were begun if none is named.", autocompletion=sweep_names)
    ] = None,
    results: Results = RESULTS,
    watch: Annotated[bool, typer.Option("--watch", help="Look until all is done, or Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far every sweep is, how its runs ended, and how quickly those that run get on."""
    if name is not None:
        _check_known(name, results)
    from colora_theory.experiments.status import Survey
    from colora_theory.experiments.store import Store

    survey, console = Survey(Store(results)), Console()
    standings = _standings(survey, name)
    if as_json:
        print_json([_record(standing) for standing in standings])
        return
    if not standings:
        say(f"no results in {results} yet; to make some: colora run NAME --preset smoke")
    elif not watch:
        console.print(_status_table(standings))
    else:
        from rich.live import Live

        with (
            Live(_status_table(standings), console=console, auto_refresh=False) as live,
            contextlib.suppress(KeyboardInterrupt),
        ):
            while any(standing.done < standing.total for standing in standings):
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                standings = _standings(survey, name)
                live.update(_status_table(standings), refresh=True)
    for path in [path for standing in standings for path in standing.damaged]:
        say(f"damaged or foreign, the next run will set it aside: {path}")


def _record(standing: "Standing") -> dict[str, Any]:
    return dataclasses.asdict(standing) | {"failing": standing.failing, "seconds_left": standing.seconds_left}


def _standings(survey: "Survey", name: str | None) -> "list[Standing]":
    return [standing for standing in survey.look() if name in (None, standing.sweep)]


def _check_known(name: str, results: Path) -> None:
    """That this is a sweep of the project, or one of the users' own that has left something there."""
    known = {*SWEEPS, *(path.parent.name for path in results.glob(f"*/{CUSTOM}.*"))}
    if name not in known:
        raise ConfigError(unknown_name("sweep", name, known))


def _status_table(standings: "list[Standing]") -> "RenderableType":
    table = Table("sweep", "preset")
    for heading in ("cells done", "failing", "cells/s", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("ended as", "set aside"):
        table.add_column(heading)
    for standing in standings:
        table.add_row(
            escape(standing.sweep),
            standing.preset,
            f"{standing.done} / {standing.total}",
            str(standing.failing),
            "" if standing.rate is None else f"{standing.rate:.1f}",
            "" if standing.seconds_left is None else f"{standing.seconds_left:.0f} s",
            ", ".join(f"{status} {number}" for status, number in sorted(standing.statuses.items())),
            str(standing.quarantined),
        )
    return table

"""The command that asks whether users should share."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from colora_theory.experiments.commands.options import AsJson, Data, check_exists
from colora_theory.experiments.commands.speech import print_json, say


def compare(
    data: Data,
    rank: Annotated[str, typer.Option("--rank", help="Of the shared subspaces: auto, r, or r1,r2.")] = "auto",
    folds: Annotated[int, typer.Option("--folds", help="Parts of every user's samples, each held out once.")] = 5,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for comparison.json.")] = None,
    structures: Annotated[
        bool, typer.Option("--structures", help="Ask which structure of adapters serves best, too: two minutes or so.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Should the users share? Each alone, one model for all and shared subspaces, on samples that are held out.

    Layouts of files are in docs/own-data.md. To try it: colora example FOLDER
    """
    check_exists(data)
    from colora_theory.experiments.own_data import read_data
    from colora_theory.experiments.runtime import configure_jax

    found = read_data(data)
    configure_jax()
    from colora_theory.experiments import choosing, comparing
    from colora_theory.experiments.ranks import asked_rank

    asked = asked_rank(rank)
    comparison = comparing.compare_data(found, asked, folds)
    choice = choosing.choose_for_data(found, asked, folds) if structures else None
    if as_json:
        print_json(comparing.comparison_summary(found, comparison, choice))
    else:
        Console().print(comparing.comparison_table(found, comparison))
        if choice is not None:
            Console().print(choosing.choice_table(choice))
    if out is not None:
        say(f"written: {comparing.write(found, comparison, out, choice)}")

"""Own data: fit and example."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from colora_theory.experiments.commands.options import AsJson, Data, check_exists
from colora_theory.experiments.commands.speech import print_json, say


def fit(
    data: Data,
    rank: Annotated[str, typer.Option("--rank", help="auto, r, or r1,r2; r1 if --rank-right is given.")],
    rank_right: Annotated[int | None, typer.Option("--rank-right", help="r2; r if left out.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for factors.npz, summary.json and .html.")] = None,
    as_json: AsJson = False,
    stream: Annotated[
        bool | None,
        typer.Option(
            "--stream/--no-stream",
            help="Leave the matrices of a folder in their file; by default if above a quarter of the free memory.",
        ),
    ] = None,
) -> None:
    """Fit own data, and show how well every user is determined; layouts of files are in docs/own-data.md.

    The exit code is 1 if the solver stopped before the optimum. To try it: colora example FOLDER
    """
    check_exists(data)
    from colora_theory.experiments.own_data import read_data
    from colora_theory.experiments.runtime import configure_jax

    found = read_data(data, stream)
    configure_jax()
    from colora_theory.experiments import fitting
    from colora_theory.experiments.ranks import asked_rank

    fitted = fitting.fit_data(found, asked_rank(rank, rank_right))
    if as_json:
        print_json(fitting.summary(fitted))
    else:
        Console().print(fitting.fit_table(fitted))
    for note in fitted.notes:
        say(f"note: {note}")
    if out is not None:
        say(f"written: {', '.join(map(str, fitting.write(fitted, out)))}")
    if not fitted.converged:
        raise typer.Exit(1)


def example(
    out: Annotated[Path, typer.Argument(help="A folder for the data.")],
    as_json: AsJson = False,
) -> None:
    """Write a small set of data in every layout of `colora fit`, and print the commands to try."""
    from colora_theory.experiments.examples import write_examples

    paths = write_examples(out)
    lines = [["fit", str(path), "--rank", "2"] for path in paths]
    lines += [["fit", str(paths[0]), "--rank", "auto"], ["compare", str(paths[0])]]
    commands = [shlex.join(["colora", *line]) for line in lines]
    if as_json:
        print_json({"data": paths, "commands": commands})
        return
    for command in commands:
        typer.echo(command)

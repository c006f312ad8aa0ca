"""How many samples to take: plan."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from colora_theory.experiments.commands.options import AsJson
from colora_theory.experiments.commands.speech import print_json, say


def plan(
    num_users: Annotated[int, typer.Option("--users", help="k, users who share the subspaces.")],
    num_rows: Annotated[int, typer.Option("--rows", help="d1.")],
    num_cols: Annotated[int, typer.Option("--cols", help="d2.")],
    rank: Annotated[str, typer.Option("--rank", help="r, or r1,r2.")],
    target: Annotated[float, typer.Option("--target", help="Relative error to reach, in (0, 1).")],
    noise: Annotated[float, typer.Option("--noise", help="Standard deviation of a measurement.")] = 0.0,
    similarity: Annotated[float, typer.Option("--similarity", help="Share of the common core, in [0, 1].")] = 0.0,
    probability: Annotated[float, typer.Option("--probability", help="Share of draws that shall reach it.")] = 0.9,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw the needs against users and target into this .png, .svg or .pdf file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How many samples a user needs, and what limits them: counting, the start, or noise.

    For cores with entries of variance one and a Gaussian design of unit variance.
    """
    from colora_theory import TaskFamily
    from colora_theory.experiments.errors import ConfigError
    from colora_theory.experiments.planning import Specification, make, plan_curves, plan_table
    from colora_theory.experiments.ranks import parse_rank

    if picture is not None:
        from colora_theory.experiments.pictures import check_suffix

        check_suffix(picture)
    try:
        family = TaskFamily(num_users, num_rows, num_cols, parse_rank(rank), similarity)
        asked = Specification(family, target, noise, probability)
        made = make(asked)
        curves = None if picture is None else plan_curves(asked)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if as_json:
        print_json(made)
    else:
        Console().print(plan_table(made))
    if curves is not None and picture is not None:
        from colora_theory.experiments.pictures import write_plan_picture

        write_plan_picture(curves, picture)
        say(f"written: {picture}")

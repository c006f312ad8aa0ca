"""What all figure scripts do: read the arguments and the table, draw, write."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from colora_theory.experiments.store import Store
from colora_theory.figures import style

Draw = Callable[[pd.DataFrame, str], tuple[Figure, str]]


def run(name: str, sweep: str, draw: Draw, argv: Sequence[str] | None) -> None:
    """Draw the figure `name` of a sweep's table.

    Args:
        name: name of the files.
        sweep: whose table is read.
        draw: makes a figure and its caption of the table and the name of the preset.
        argv: arguments; those of the command line if None.

    Raises:
        ColoraError: If the table is not there; the message says which command makes it.
    """
    parser = argparse.ArgumentParser(description=f"Draw the figure {name} from the stored table of the sweep {sweep}.")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of the result tables")
    parser.add_argument("--preset", default="cpu", help="whose table: smoke, cpu or full")
    parser.add_argument("--out", type=Path, default=Path("figures/out"), help="folder of the figures")
    arguments = parser.parse_args(argv)
    table = Store(arguments.results).load(sweep, arguments.preset)
    with style.paper_style():
        figure, caption = draw(table, arguments.preset)
        style.add_caption(figure, caption)
        source = f"sweep {sweep}, preset {arguments.preset}, table {table.attrs.get('config_hash', 'unknown')}"
        style.save(figure, caption, arguments.out, name, source)

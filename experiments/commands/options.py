"""Options that several commands have, and the names that a shell completes."""

from pathlib import Path
from typing import Annotated

import typer

from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.presets import check_preset
from colora_theory.experiments.sweeps import SWEEPS

Preset = Annotated[
    str,
    typer.Option(
        "--preset", help="smoke (seconds), cpu (minutes) or full (a GPU or a cluster).", callback=check_preset
    ),
]
Data = Annotated[Path, typer.Argument(help="An .npz file, a folder of .npy files, a .csv or .parquet table.")]
Results = Annotated[Path, typer.Option("--results", help="Folder of the result tables.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of the figures.")]
Workers = Annotated[int | None, typer.Option("--workers", help="So many processes, which divide the cores among them.")]
Share = Annotated[
    str | None, typer.Option("--shard", help="I/N: the I-th of N shares, for runs that know nothing of each other.")
]
Dask = Annotated[str | None, typer.Option("--dask", help="Compute on the workers of the dask scheduler there.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else, on standard output.")]
RESULTS = Path("results")
OUT = Path("figures/out")


def check_exists(path: Path) -> None:
    """That there is something.

    Raises:
        ConfigError: If there is not.
    """
    if not path.exists():
        raise ConfigError(f"cannot read {path}: it does not exist")


def sweep_names() -> list[str]:
    """For completion."""
    return list(SWEEPS)


def claim_names() -> list[str]:
    """For completion."""
    from colora_theory.experiments.claims.ledger import CLAIMS

    return list(CLAIMS)

"""What `colora compare` tells: should the users of own data share?"""

from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from colora_theory.experiments.choosing import choice_summary
from colora_theory.experiments.documents import as_json
from colora_theory.experiments.errors import ConfigError, StoreError
from colora_theory.experiments.files import put
from colora_theory.experiments.own_data import UserData
from colora_theory.experiments.provenance import package_version
from colora_theory.experiments.ranks import named, samples_of_data
from colora_theory.selection import Comparison, Gain, StructureChoice, compare

# Rows of the printed table; the summary has all.
_SHOWN = 20


def compare_data(data: UserData, rank: tuple[int, int] | None, folds: int) -> Comparison:
    """Each user alone, one model for all and shared subspaces on the same held-out samples.

    Args:
        data: of all users.
        rank: of the shared subspaces; None to choose it.
        folds: of the cross-validation.

    Raises:
        ConfigError: for data that cannot be compared, an impossible rank or number of folds.
    """
    samples = samples_of_data(data)
    try:
        return compare(samples, rank="auto" if rank is None else rank, folds=folds)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{data.source}: {named(str(error), data)}") from None


def comparison_table(data: UserData, comparison: Comparison) -> Table:
    """One row for each user, the first ones of many."""
    table = Table(
        title=escape(comparison.summary(data.users)),
        caption=(
            f"Root mean square of held-out errors, {comparison.folds} folds: of W_0, of each user alone, of one model "
            f"for all (pooled), and of shared subspaces of rank {comparison.rank}; gain: by how much sharing lowers "
            "the mean squared error against each alone, 95% interval for one user at a time; best: what is clearly best"
        ),
    )
    for column in ("user", "n", "W_0", "alone", "pooled", "shared", "gain", "best"):
        table.add_column(column, justify="left" if column in ("user", "best") else "right", no_wrap=column == "gain")
    for row in _rows(data, comparison)[:_SHOWN]:
        errors = [f"{row[name] ** 0.5:.3g}" for name in ("frozen", "alone", "pooled", "shared")]
        gain = str(Gain(row["gain"], row["gain_lower"], row["gain_upper"]))
        table.add_row(escape(row["user"]), str(row["samples"]), *errors, escape(gain), row["verdict"])
    if len(data.users) > _SHOWN:
        table.add_row(f"and {len(data.users) - _SHOWN} more", *[""] * 7)
    return table


def comparison_summary(data: UserData, comparison: Comparison, choice: StructureChoice | None = None) -> dict[str, Any]:
    """What is told of a comparison, and of a choice of the structure if there is one, as plain values for JSON."""
    structures = {} if choice is None else {"structures": choice_summary(choice)}
    return {
        "version": package_version(),
        "data": str(data.source),
        "kind": data.kind,
        "rank": list(comparison.rank),
        "folds": comparison.folds,
        "verdict": comparison.verdict,
        "sentence": comparison.summary(data.users),
        "gains": [
            {"of": new, "over": old, "gain": gain.estimate, "lower": gain.lower, "upper": gain.upper}
            for (new, old), gain in comparison.gains.items()
        ],
        "users": _rows(data, comparison),
        **structures,
    }


def write(data: UserData, comparison: Comparison, out: Path, choice: StructureChoice | None = None) -> Path:
    """Writes comparison.json into a folder.

    Raises:
        StoreError: for a folder that cannot be written.
    """
    path, told = out / "comparison.json", comparison_summary(data, comparison, choice)
    try:
        out.mkdir(parents=True, exist_ok=True)
        put(path, (as_json(told) + "\n").encode())
    except OSError as error:
        raise StoreError(
            f"{out} cannot be written: {error.strerror or error}; choose another folder with --out"
        ) from None
    return path


def _rows(data: UserData, comparison: Comparison) -> list[dict[str, Any]]:
    rows = []
    for place, (user, gain) in enumerate(zip(data.users, comparison.user_gains, strict=True)):
        errors = {name: float(values[place]) for name, values in comparison.errors.items()}
        interval = {"gain": gain.estimate, "gain_lower": gain.lower, "gain_upper": gain.upper}
        samples = {"user": user, "samples": data.num_samples[place]}
        rows.append(samples | errors | interval | {"verdict": comparison.user_verdicts[place]})
    return rows

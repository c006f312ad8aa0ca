"""What `colora compare --structures` tells: which structure own data support."""

from typing import Any

from rich.markup import escape
from rich.table import Table

from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.own_data import UserData
from colora_theory.experiments.ranks import named, samples_of_data
from colora_theory.selection import StructureChoice, choose_structure

# Of adapters and of what is shared, where none is asked for.
_RANKS = (1, 2, 3)


def choose_for_data(data: UserData, rank: tuple[int, int] | None, folds: int) -> StructureChoice:
    """The smallest structure within one standard error of the least held-out error.

    Args:
        data: of all users.
        rank: of adapters and of what is shared, the larger of the two; None for 1 to 3.
        folds: of the cross-validation.

    Raises:
        ConfigError: for data that no structure can be fitted to, an impossible rank or number of folds.
    """
    samples = samples_of_data(data)
    most = min(data.problem().sensing.weights_shape[1:])
    ranks = max(rank) if rank is not None else [each for each in _RANKS if each <= most]
    try:
        return choose_structure(samples, None, ranks, folds=folds)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{data.source}: {named(str(error), data)}") from None


def choice_table(choice: StructureChoice) -> Table:
    """One row for each structure, by unknowns."""
    table = Table(
        title=escape(choice.summary()),
        caption=(
            f"Mean squared held-out error of a measurement, {choice.folds} folds, and by how much it exceeds the least "
            "one, each with its standard error; chosen: the smallest structure within one standard error of the least"
        ),
    )
    for column in ("structure", "unknowns", "held-out error", "behind", ""):
        table.add_column(column, justify="left" if column in ("structure", "") else "right")
    for each in choice.candidates:
        error = f"{each.error:.3g} ± {each.standard_error:.2g}" if each.fitted else each.reason
        behind = f"{each.behind:.2g} ± {each.behind_error:.2g}" if each.fitted and each.name != choice.best else ""
        mark = "chosen" if each.name == choice.chosen else "least error" if each.name == choice.best else ""
        table.add_row(escape(each.name), str(each.unknowns), escape(error), behind, mark)
    return table


def choice_summary(choice: StructureChoice) -> dict[str, Any]:
    """What is told of a choice, by name."""
    return {
        "chosen": choice.chosen,
        "least_error": choice.best,
        "sure": choice.sure,
        "sentence": choice.summary(),
        "folds": choice.folds,
        "candidates": [
            {
                "structure": each.name,
                "unknowns": each.unknowns,
                "held_out_error": each.error,
                "standard_error": each.standard_error,
                "behind": each.behind,
                "behind_error": each.behind_error,
                "reason": each.reason,
            }
            for each in choice.candidates
        ],
    }

"""A plan as a table for the terminal."""

from rich.table import Table

from colora_theory import TaskFamily
from colora_theory.theory import plan

_REASONS = {
    "counting": "as many measurements as unknowns: below, no method can succeed",
    "start": "our solvers find the minimum in nearly every draw (measured)",
    "noise": "the law of the noise reaches the target",
}


def plan_table(
    num_users: int,
    num_rows: int,
    num_cols: int,
    rank: str,
    target: float,
    noise: float,
    similarity: float,
    probability: float,
) -> Table:
    """The needs of `theory.plan`, the largest of which is the recommendation.

    Raises:
        ValueError: see `theory.plan` and `TaskFamily`, and for a rank that is not one or two integers.
    """
    parts = rank.split(",")
    if len(parts) > 2 or not all(part.strip().isdigit() for part in parts):
        raise ValueError(f"rank {rank!r} is neither an integer nor two with a comma between")
    pair = int(parts[0]), int(parts[-1])
    family = TaskFamily(num_users, num_rows, num_cols, pair, similarity)
    found = plan(family, target=target, noise=noise, probability=probability)
    table = Table(
        title=f"{found.num_samples} samples for each of {num_users} users, limited by {found.limited_by}",
        caption=(
            f"N / DoF = {found.oversampling:.3g}; expected relative error {found.predicted_error:.2g}; "
            f"target {target:g} in {probability:.0%} of draws"
        ),
    )
    for column in ("need", "samples", "why"):
        table.add_column(column, justify="right" if column == "samples" else "left")
    for name, samples in found.needs.items():
        table.add_row(name, str(samples), _REASONS[name])
    return table

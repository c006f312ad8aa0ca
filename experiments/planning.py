"""A plan as a table for the terminal."""

from rich.table import Table

from colora_theory import TaskFamily
from colora_theory.experiments.errors import shown
from colora_theory.theory import plan

# Truths that a plan averages over, and numbers of the largest array of them: fewer truths where they are large.
_DRAWS, _MOST_NUMBERS = 64, 2 * 10**7
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
        ValueError: see `theory.plan` and `TaskFamily`, for a rank that is not one or two integers, and for sizes whose
            truths would fill the memory.
    """
    parts = [part.strip() for part in rank.split(",")]
    if len(parts) > 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise ValueError(f"rank {shown(rank)} is neither an integer nor two with a comma between")
    pair = int(parts[0]), int(parts[-1])
    family = TaskFamily(num_users, num_rows, num_cols, pair, similarity)
    largest = max(num_users * pair[0] * pair[1], num_rows * pair[0], num_cols * pair[1])
    if largest > _MOST_NUMBERS:
        raise ValueError(f"cores or a subspace of {shown(largest)} numbers: a plan draws at most {_MOST_NUMBERS}")
    draws = min(_DRAWS, _MOST_NUMBERS // largest)
    found = plan(family, target=target, noise=noise, probability=probability, draws=draws)
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

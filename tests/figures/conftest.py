"""Tables with the axes of the real sweeps and made-up results: nothing is solved here."""

import dataclasses
import math

import pandas as pd
import pyarrow as pa
import pytest

from colora_theory.experiments import table
from colora_theory.experiments.family.grid import FamilyGrid
from colora_theory.experiments.family.plan import FamilyChunk
from colora_theory.experiments.family.registry import TRUTHS
from colora_theory.experiments.gallery import figure_modules
from colora_theory.experiments.plan import Plan, draws, make_plan, recipes
from colora_theory.experiments.published import compare, find_published
from colora_theory.experiments.store import Store
from colora_theory.experiments.sweeps import SWEEPS

FIGURES = figure_modules()
CONSTANTS = {
    "isometry_constant": 1.0,
    "core_isometry": 0.5,
    "common_isometry": 0.4,
    "single_isometry": 4.0,
    "spread_isometry": 2.0,
}


def told(draw, recipe) -> dict[str, dict[str, float | None]]:
    """What the predictions say, by their names: near the made-up measurements."""
    law = draw.noise**2 / draw.oversampling
    start = 0.78 if recipe.start in ("pooled", "stacked") else None
    turned = 50 * (draw.misalignment or 0.0)
    return {
        "rate": {
            "long_run_contraction": 0.61 / draw.oversampling,
            "contraction_factor": 0.6 / draw.oversampling,
            "contraction_law": 0.7 / draw.oversampling,
        },
        "isometry": {name: value / draw.num_samples**0.5 for name, value in CONSTANTS.items()},
        "cramer_rao": {"cramer_rao": 0.95 * law, "noise_law": 0.9 * law},
        "overlap": {"predicted_overlap_left": start, "predicted_overlap_right": start},
        "transfer": {
            "transfer_together": law * (1 + turned),
            "transfer_alone": law * 15,
            "transfer_pooled": law * 200,
        },
        "plan": {"target_error": 0.2 if draw.noise else 1e-6, "planned_samples": 30.0},
    }


def made_up(draw, recipe, grid) -> dict:
    """One row: success from N / DoF = 2 on, a little earlier or later by seed; errors by the law of noise."""
    success = draw.oversampling * (1 + 0.1 * draw.seed) > 2 and recipe.start != "random"
    penalty = {"alone": 20.0, "pooled": 300.0, "oracle": 0.5, "empirical_bayes": 0.6}.get(recipe.method, 1.0)
    turned = 50 * (draw.misalignment or 0.0) if recipe.method in ("alternating", "variable_projection") else 0.0
    error = 1e-14 if success else 1.0
    steps = 20 + 5 * draw.seed
    return {
        "num_users": draw.num_users,
        "num_rows": draw.num_rows,
        "num_cols": draw.num_cols,
        "rank_left": draw.rank[0],
        "rank_right": draw.rank[1],
        "similarity": draw.similarity,
        "misalignment": draw.misalignment,
        "condition_number": draw.condition_number,
        "num_samples": draw.num_samples,
        "noise": draw.noise,
        "design": draw.design,
        "noise_kind": draw.noise_kind,
        "seed": draw.seed,
        "method": recipe.method,
        "start": recipe.start,
        "max_steps": grid.max_steps,
        "degrees_of_freedom": draw.degrees_of_freedom,
        "oversampling": draw.oversampling,
        "status": 1 if success else 3,
        "status_name": "CONVERGED" if success else "MAX_STEPS",
        "steps": steps,
        "seconds": 0.001 * steps,
        "seconds_per_step": 0.001,
        "relative_error": error,
        "mean_squared_error": draw.noise**2 * (1 + 0.1 * draw.seed) * (penalty + turned) / draw.oversampling,
        "sine_left": 0.1,
        "sine_right": 0.1,
        "overlap_left": 0.8,
        "overlap_right": 0.7,
        "relative_residual": error,
        "relative_error_trace": [error ** (step / steps) for step in range(steps + 1)] if grid.trace else None,
        "megabytes_trace": [0.12 + 0.3 * step for step in range(steps + 1)] if grid.trace else None,
        "rounds": 2 * steps if grid.trace else None,
        **compare(find_published(draw, recipe.method, grid.max_steps), {"sine_left": 0.1, "relative_error": 0.13}),
        **{column: value for name in grid.predict for column, value in told(draw, recipe)[name].items()},
    }


def made_up_of_the_family(draw, method) -> dict:
    """One row: the bound on the diagonal, a larger error elsewhere."""
    unknowns = TRUTHS[draw.truth].unknowns(draw)
    shaken = 1 + 0.1 * draw.seed
    error = draw.noise**2 * unknowns / draw.num_samples
    own = method == draw.truth
    return {
        "truth": draw.truth,
        "level": draw.level,
        "num_users": draw.num_users,
        "num_rows": draw.num_rows,
        "num_cols": draw.num_cols,
        "num_samples": draw.num_samples,
        "noise": draw.noise,
        "seed": draw.seed,
        "method": method,
        "degrees_of_freedom": unknowns,
        "oversampling": draw.num_users * draw.num_samples / unknowns,
        "unknowns": unknowns if own else 2 * unknowns,
        "status_name": "CONVERGED",
        "steps": 20,
        "seconds": 0.1,
        "relative_error": (1 if own else 10) * draw.noise * shaken,
        "mean_squared_error": (1 if own else 100) * error * shaken,
        "bound": error,
        "relative_error_trace": [0.5**step for step in range(21)],
        **{f"coverage_{nominal}": nominal / 100 - 0.01 * draw.seed for nominal in (50, 80, 90, 95)},
        "interval_width": 3.3 * shaken,
        "share_found": 1.0,
        "share_accused": 0.01 * draw.seed,
        "chosen": draw.truth,
        "unseen_error": 1.1 * error * shaken,
    }


def make_table(name: str, preset: str, num_seeds: int = 2) -> pd.DataFrame:
    """A table of the sweep behind the figure `name`."""
    rows = []
    for grid in SWEEPS[FIGURES[name].SWEEP].presets[preset]:
        fewer = grid.model_copy(update={"num_seeds": num_seeds})
        if isinstance(grid, FamilyGrid):
            methods = grid.values("method")
            rows += [made_up_of_the_family(draw, method) for method in methods for draw in fewer.draws()]
            continue
        rows += [made_up(draw, recipe, grid) for recipe in recipes(grid) for draw in draws(fewer)]
    return pa.Table.from_pylist(rows, schema=schema_of(rows[0])).to_pandas()


def schema_of(columns) -> pa.Schema:
    """Of the tables of the family, or of those of one model."""
    return table.FAMILY_SCHEMA if "truth" in columns else table.SCHEMA


def write_table(root, name: str, frame: pd.DataFrame) -> None:
    """Put a table into a results folder, as the preset smoke."""
    sweep, store = FIGURES[name].SWEEP, Store(root)
    first = make_plan(SWEEPS[sweep].config("smoke"), "smoke").chunks[0]
    # As many cells as the table has rows.
    one = {"methods": first.methods[:1]} if isinstance(first, FamilyChunk) else {"recipes": first.recipes[:1]}
    chunk = dataclasses.replace(first, draws=first.draws[:1] * len(frame), **one)
    plan = Plan(sweep, "smoke", (chunk,))
    store.prepare(plan)
    store.write_chunk(plan, chunk, pa.Table.from_pandas(frame, schema=schema_of(frame), preserve_index=False), {})
    store.write_table(plan)


def first_row(frame: pd.DataFrame):
    """The label of the first row of alternating minimization, of the first row of all if there is none."""
    alternating = frame.index[frame["method"] == "alternating"]
    return alternating[0] if len(alternating) else frame.index[0]


@pytest.fixture(params=sorted(FIGURES))
def name(request) -> str:
    """Every figure."""
    return request.param


@pytest.fixture
def smoke(name) -> pd.DataFrame:
    """A table of two points and two runs, in which one run left no number."""
    frame = make_table(name, "smoke")
    first = first_row(frame)
    frame.loc[first, ["relative_error", "mean_squared_error"]] = math.nan
    frame.loc[first, "status_name"] = "NONFINITE"
    return frame

"""Computes one chunk: draw the instances once, let every recipe solve the same ones, measure."""

import functools
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pyarrow as pa

import colora_theory as ct
from colora_theory.experiments import table
from colora_theory.experiments.designs import DESIGNS, NOISE_KINDS
from colora_theory.experiments.draw import Draw, Rank
from colora_theory.experiments.methods import METHODS, STARTS, Cell
from colora_theory.experiments.plan import Chunk, Layout, Plan, Recipe
from colora_theory.experiments.predictions import columns, predict
from colora_theory.experiments.published import compare, find_published
from colora_theory.experiments.runtime import holds_many_programs
from colora_theory.experiments.seeding import keys
from colora_theory.lanes import map_lanes

# Of the instances of all lanes and their start keys: what they consist of, and the leaves.
Shapes = tuple[jax.tree_util.PyTreeDef, tuple[jax.ShapeDtypeStruct, ...]]

METRICS: dict[str, Callable[..., jax.Array]] = {
    "relative_error": ct.metrics.relative_error,
    "mean_squared_error": ct.metrics.mean_squared_error,
    "sine_left": ct.metrics.sine_left,
    "sine_right": ct.metrics.sine_right,
    "overlap_left": ct.metrics.overlap_left,
    "overlap_right": ct.metrics.overlap_right,
}


def run_chunk(chunk: Chunk) -> pa.Table:
    """All rows of a chunk."""
    if holds_many_programs():
        _solver.cache_clear()
        jax.clear_caches()
    layout = chunk.layout
    lanes = chunk.draws + chunk.draws[-1:] * (layout.width - len(chunk.draws))
    instances = _sample(layout, keys(lanes, "data"), _knobs(layout, lanes))
    start_keys = keys(lanes, "start")
    predicted = [
        predict(chunk.predict, jax.tree.map(lambda leaf, lane=lane: leaf[lane], instances), draw)
        for lane, draw in enumerate(chunk.draws)
    ]
    leaves, structure = jax.tree.flatten((instances, start_keys))
    shapes = structure, tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
    rows: list[dict[str, Any]] = []
    for recipe in chunk.recipes:
        version = METHODS[recipe.method].version
        solve = _solver(shapes, layout.rank, recipe, version, chunk.max_steps, chunk.trace)
        began = time.perf_counter()
        solutions = jax.block_until_ready(solve(instances, start_keys))
        seconds = time.perf_counter() - began
        measured = jax.tree.map(np.asarray, _measure(solutions, instances))
        timing = {
            "seconds": seconds / layout.width,
            "seconds_per_step": seconds / max(1, int(measured["steps"].sum())),
        }
        for lane, draw in enumerate(chunk.draws):
            values = {name: value[lane] for name, value in measured.items()}
            sent = _sent(jax.tree.map(lambda leaf, lane=lane: leaf[lane], solutions), recipe) if chunk.trace else {}
            rows.append(_row(draw, recipe, chunk, values) | timing | sent | columns(predicted[lane], recipe.start))
    return pa.Table.from_pylist(rows, schema=table.SCHEMA)


def run_plan(plan: Plan) -> pd.DataFrame:
    """All rows of a plan, computed one chunk after the other in this process and stored nowhere."""
    return pa.concat_tables([chunk.compute() for chunk in plan.chunks]).to_pandas()


def _knobs(layout: Layout, draws: tuple[Draw, ...]) -> dict[str, jax.Array]:
    """The axes that programs take as arrays."""
    names = ["similarity", "noise"]
    names += ["misalignment"] if layout.misaligned else []
    names += ["condition_number"] if layout.conditioned else []
    knobs = {name: jnp.array([getattr(draw, name) for draw in draws], float) for name in names}
    return knobs | {"num_samples": jnp.array([draw.num_samples for draw in draws])}


@functools.partial(jax.jit, static_argnums=0)
def _sample(layout: Layout, data_keys: jax.Array, knobs: dict[str, jax.Array]) -> ct.Instance:
    def sample(lane: tuple[jax.Array, dict[str, jax.Array]]) -> ct.Instance:
        key, knob = lane
        family = ct.TaskFamily(
            layout.num_users,
            layout.num_rows,
            layout.num_cols,
            layout.rank,
            knob["similarity"],
            knob.get("misalignment"),
            knob.get("condition_number"),
        )
        return ct.sample_instance(
            key,
            family,
            knob["num_samples"],
            knob["noise"],
            capacity=layout.capacity,
            design=DESIGNS[layout.design],
            noise_kind=NOISE_KINDS[layout.noise_kind],
        )

    return map_lanes(sample, (data_keys, knobs))


@functools.cache
def _solver(
    shapes: Shapes, rank: Rank, recipe: Recipe, version: str, max_steps: int, trace: bool
) -> Callable[..., ct.Solution]:
    """A program that solves all lanes, compiled ahead so that the time of a call is the time of solving.

    It depends on the shapes of the instances and their keys alone: dense designs of any kind share it. `version` is
    that of the method: one that is registered anew is compiled anew.
    """

    def solve(lane: tuple[ct.Instance, jax.Array]) -> ct.Solution:
        instance, key = lane
        observe = functools.partial(ct.metrics.relative_error, truth=instance.truth) if trace else None
        cell = Cell(instance, rank, recipe.start, key, max_steps, observe)
        return METHODS[recipe.method].solve(cell)

    structure, leaves = shapes
    program = jax.jit(lambda instances, start_keys: map_lanes(solve, (instances, start_keys)))
    return program.lower(*jax.tree.unflatten(structure, leaves)).compile()


@jax.jit
def _measure(solutions: ct.Solution, instances: ct.Instance) -> dict[str, jax.Array]:
    def measure(lane: tuple[ct.Solution, ct.Instance]) -> dict[str, jax.Array]:
        solution, instance = lane
        return {name: metric(solution.factors, instance.truth) for name, metric in METRICS.items()}

    measured = {
        "status": solutions.status,
        "steps": solutions.num_steps,
        "relative_residual": solutions.relative_residual,
    }
    if solutions.trace is not None and solutions.trace.observed is not None:
        measured["relative_error_trace"] = solutions.trace.observed
    return measured | map_lanes(measure, (solutions, instances))


def _sent(solution: ct.Solution, recipe: Recipe) -> dict[str, Any]:
    """The columns of what would have been sent, for methods whose messages are counted."""
    sender = METHODS[recipe.method].sender
    if sender is None:
        return {}
    ledger = ct.communication(sender, solution, STARTS[recipe.start])
    return {"megabytes_trace": ledger.megabytes.tolist(), "rounds": int(ledger.rounds[-1])}


def _row(draw: Draw, recipe: Recipe, chunk: Chunk, measured: dict[str, Any]) -> dict[str, Any]:
    status, steps = int(measured.pop("status")), int(measured["steps"])
    trace = measured.pop("relative_error_trace", None)
    rank_left, rank_right = draw.rank
    return {
        "num_users": draw.num_users,
        "num_rows": draw.num_rows,
        "num_cols": draw.num_cols,
        "rank_left": rank_left,
        "rank_right": rank_right,
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
        "max_steps": chunk.max_steps,
        "degrees_of_freedom": draw.degrees_of_freedom,
        "oversampling": draw.oversampling,
        "status": status,
        "status_name": ct.Status(status).name,
        "relative_error_trace": None if trace is None else trace[: steps + 1].tolist(),
        **measured,
        **compare(find_published(draw, recipe.method, chunk.max_steps), measured),
    }

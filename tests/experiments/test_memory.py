"""The memory of chunks, computed in advance, beside what the compiler asks for."""

import functools

import jax
import pytest

from colora_theory.experiments import trial
from colora_theory.experiments.config import SweepConfig
from colora_theory.experiments.memory import chunk_bytes, largest_chunk
from colora_theory.experiments.plan import MAX_LANES, make_plan
from colora_theory.experiments.seeding import keys
from colora_theory.experiments.sweeps import SWEEPS

GPU = 80 * 10**9
# Draws of the family are computed one by one.
IN_LANES = [name for name, sweep in SWEEPS.items() if isinstance(sweep.config("full"), SweepConfig)]
# By which the bound stays below the memory of the GPU: for what the bound has forgotten.
FACTOR = 1.9


def largest(name, preset, most_seeds=10**6):
    config = SWEEPS[name].config(preset)
    grids = [grid.model_copy(update={"num_seeds": min(grid.num_seeds, most_seeds)}) for grid in config.grid]
    return largest_chunk(make_plan(config.model_copy(update={"grid": grids}), preset))


def compiled_bytes(chunk, recipe):
    """What the compiler assigns to the program of all lanes at once: data, results and working memory."""
    layout = chunk.layout
    lanes = chunk.draws + chunk.draws[-1:] * (layout.width - len(chunk.draws))
    draw = functools.partial(trial._sample.__wrapped__, layout)
    instances = jax.eval_shape(draw, keys(lanes, "data"), trial._knobs(layout, lanes))
    leaves, structure = jax.tree.flatten((instances, keys(lanes, "start")))
    shapes = structure, tuple(jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves)
    program = trial._solver.__wrapped__(shapes, layout.rank, recipe, "", chunk.max_steps, chunk.trace)
    seen = program.memory_analysis()
    return seen.argument_size_in_bytes + seen.temp_size_in_bytes + seen.output_size_in_bytes


def test_every_full_chunk_fits_a_gpu_of_80_gb():
    """With so many seeds as fill the lanes of a chunk; all of them in the long test."""
    for name in IN_LANES:
        assert FACTOR * chunk_bytes(largest(name, "full", MAX_LANES)) <= GPU, name


@pytest.mark.long
@pytest.mark.parametrize("name", IN_LANES)
def test_the_bound_holds_for_what_the_compiler_asks_for(name, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    chunk = largest(name, "full")
    assert FACTOR * chunk_bytes(chunk) <= GPU
    for recipe in chunk.recipes:
        needed = compiled_bytes(chunk, recipe)
        assert chunk.layout.width * chunk.layout.lane_bytes <= needed <= chunk_bytes(chunk), recipe

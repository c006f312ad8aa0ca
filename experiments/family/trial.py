"""Computes one chunk of the family: draw an instance, let every method fit it, measure."""

import time
from typing import Any

import jax
import numpy as np
import pyarrow as pa

from colora_theory.experiments import table
from colora_theory.experiments.family.draw import FamilyDraw, FamilyInstance
from colora_theory.experiments.family.fits import Found
from colora_theory.experiments.family.plan import FamilyChunk
from colora_theory.experiments.family.registry import FITS, TRUTHS
from colora_theory.experiments.runtime import holds_many_programs
from colora_theory.experiments.seeding import keys


def run_chunk(chunk: FamilyChunk) -> pa.Table:
    """All rows of a chunk; method by method, in the order of the draws."""
    if holds_many_programs():
        jax.clear_caches()
    data_keys, fit_keys = keys(chunk.draws, "data"), keys(chunk.draws, "start")
    instances = [TRUTHS[draw.truth].sample(key, draw) for key, draw in zip(data_keys, chunk.draws, strict=True)]
    axes = [_axes(draw, instance) for draw, instance in zip(chunk.draws, instances, strict=True)]
    rows = []
    for method in chunk.methods:
        for draw, instance, known, key in zip(chunk.draws, instances, axes, fit_keys, strict=True):
            began = time.perf_counter()
            found = FITS[method](instance, draw, key)
            seconds = time.perf_counter() - began
            rows.append(known | {"method": method, "seconds": seconds} | _measured(instance, found))
    return pa.Table.from_pylist(rows, schema=table.FAMILY_SCHEMA)


def _axes(draw: FamilyDraw, instance: FamilyInstance) -> dict[str, Any]:
    unknowns = TRUTHS[draw.truth].unknowns(draw)
    return {
        "truth": draw.truth,
        "level": draw.level,
        "num_users": draw.num_users,
        "num_rows": draw.num_rows,
        "num_cols": draw.num_cols,
        "num_samples": draw.num_samples,
        "noise": draw.noise,
        "seed": draw.seed,
        "degrees_of_freedom": unknowns,
        "oversampling": draw.num_users * draw.num_samples / unknowns,
        "bound": instance.bound,
    }


def _measured(instance: FamilyInstance, found: Found) -> dict[str, Any]:
    columns = {
        "status_name": found.status_name,
        "steps": found.steps,
        "unknowns": found.unknowns,
        **jax.tree.map(_plain, dict(found.measured)),
    }
    if found.weights is None:
        return columns
    truth = instance.weights[instance.judged]
    squares = np.sum((np.asarray(found.weights, float)[instance.judged] - truth) ** 2, (1, 2))
    error = np.sqrt(np.sum(squares) / np.sum(truth**2))
    return columns | {"mean_squared_error": float(np.mean(squares)), "relative_error": float(error)}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value

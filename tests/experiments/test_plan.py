import dataclasses
import itertools
import math

import pytest

import colora_theory as ct
from colora_theory.experiments import plan as planning
from colora_theory.experiments.config import Grid, SweepConfig
from colora_theory.experiments.plan import Recipe, draws, make_plan, padded, recipes
from tests.experiments.conftest import SHAPE


def plan_of(*grids):
    return make_plan(SweepConfig(name="tiny", grid=list(grids)), "smoke")


def test_a_grid_is_the_product_of_its_axes():
    grid = Grid(**SHAPE, num_samples=[12, 16], similarity=[0.0, 0.5, 1.0], noise=0.1, num_seeds=2)
    points = [(draw.similarity, draw.num_samples, draw.seed) for draw in draws(grid)]
    assert sorted(points) == sorted(itertools.product([0.0, 0.5, 1.0], [12, 16], [0, 1]))
    assert {draw.noise for draw in draws(grid)} == {0.1}


def test_oversampling_rounds_the_samples_up():
    (draw,) = draws(Grid(**SHAPE, oversampling=2.0))
    degrees = ct.theory.degrees_of_freedom(4, 7, 6, 2)
    assert draw.num_samples == math.ceil(2 * degrees / 4)
    assert draw.degrees_of_freedom == degrees
    assert draw.oversampling == pytest.approx(draw.num_samples * 4 / degrees)


def test_oversampling_counts_the_scalars_of_vector_outputs():
    grid = Grid(**SHAPE, oversampling=4.0, design=["gaussian", "vector_output"])
    scalar, vector = draws(grid)
    assert vector.num_samples == math.ceil(scalar.num_samples / 7) == 5
    assert vector.oversampling == 5 * 7 * 4 / scalar.degrees_of_freedom


def test_a_mask_is_padded_to_its_entries_at_most():
    grid = Grid(**SHAPE, num_samples=[20, 40], design="entries")
    assert [chunk.layout.capacity for chunk in plan_of(grid).chunks] == [24, 42]


def test_a_structured_design_takes_the_room_of_its_vectors():
    sizes = {"gaussian": 7 * 6, "rank_one": 7 + 6, "vector_output": 6, "entries": 2}
    chunks = plan_of(Grid(**SHAPE, num_samples=16, design=list(sizes))).chunks
    assert [chunk.layout.lane_bytes for chunk in chunks] == [8 * 4 * 16 * size for size in sizes.values()]


def test_oversamplings_that_round_to_the_same_draw_give_one_row():
    plan = plan_of(Grid(**SHAPE, oversampling=[2.0, 2.0 + 1e-9]))
    samples = [draw.num_samples for chunk in plan.chunks for draw in chunk.draws]
    assert len(samples) == len(set(samples))


@pytest.mark.parametrize("num_samples", range(1, 200))
def test_padding(num_samples):
    sizes = {1, *(2**j for j in range(10)), *(3 * 2**j for j in range(10))}
    assert padded(num_samples) == min(size for size in sizes if size >= num_samples)


def test_a_method_with_its_own_start_gives_one_set_of_rows():
    grid = Grid(**SHAPE, num_samples=12, method=["alternating", "alone", "oracle"], start=["pooled", "random"])
    assert recipes(grid) == (
        Recipe("alternating", "pooled"),
        Recipe("alternating", "random"),
        Recipe("alone", "stacked"),
        Recipe("oracle", "none"),
    )


def test_a_chunk_has_one_layout_and_groups_are_cut_evenly():
    grid = Grid(**SHAPE, num_samples=[12, 13, 16], num_seeds=35)
    plan = plan_of(grid)
    by_layout = {}
    for chunk in plan.chunks:
        assert len(chunk.draws) <= chunk.layout.width <= planning.MAX_LANES
        assert {padded(draw.num_samples) for draw in chunk.draws} == {chunk.layout.capacity}
        by_layout.setdefault(chunk.layout, []).append(len(chunk.draws))
    # 35 draws need two chunks, 70 need three; a group is compiled for one width.
    assert {layout.capacity: sizes for layout, sizes in by_layout.items()} == {12: [17, 18], 16: [23, 23, 24]}
    assert plan.num_cells == 3 * 35


def test_large_draws_are_few_to_a_chunk():
    (layout,) = {chunk.layout for chunk in plan_of(Grid(**(SHAPE | {"num_users": 1000}), num_samples=256)).chunks}
    assert layout.lane_bytes == 8 * 1000 * 256 * 7 * 6
    chunks = plan_of(Grid(**(SHAPE | {"num_users": 1000}), num_samples=256, num_seeds=9)).chunks
    assert max(chunk.layout.width * layout.lane_bytes for chunk in chunks) <= planning.MAX_BYTES


def test_misaligned_and_aligned_draws_do_not_share_a_program():
    aligned = Grid(**SHAPE, num_samples=12)
    misaligned = Grid(**SHAPE, num_samples=12, misalignment=0.0)
    assert len({chunk.layout for chunk in plan_of(aligned, misaligned).chunks}) == 2


def test_names_follow_the_content_alone(config):
    first, again = make_plan(config, "smoke"), make_plan(config, "cpu")
    assert [chunk.id for chunk in first.chunks] == [chunk.id for chunk in again.chunks]
    assert len({chunk.id for chunk in first.chunks}) == len(first.chunks)
    chunk = first.chunks[0]
    for change in (
        {"max_steps": 51},
        {"trace": True},
        {"predict": ("rate",)},
        {"recipes": chunk.recipes[::-1]},
        {"draws": chunk.draws[::-1]},
        {"layout": dataclasses.replace(chunk.layout, width=9)},
    ):
        assert dataclasses.replace(chunk, **change).id != chunk.id
    assert dataclasses.replace(first, chunks=first.chunks[::-1]).config_hash != first.config_hash


def test_another_version_of_the_package_computes_anew(config, monkeypatch):
    before = make_plan(config, "smoke").chunks[0].id
    monkeypatch.setattr(planning, "source_hash", lambda: "other")
    assert make_plan(config, "smoke").chunks[0].id != before

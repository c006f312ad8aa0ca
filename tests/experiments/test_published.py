import pytest

from colora_theory.experiments.draw import Draw
from colora_theory.experiments.methods import METHODS
from colora_theory.experiments.plan import draws
from colora_theory.experiments.published import PUBLISHED, compare, find_published
from colora_theory.experiments.sweeps import SWEEPS
from colora_theory.experiments.table import SCHEMA

NAMES = ("published_tripuraneni", "published_fedrep", "published_tian")


def known(preset: str) -> set:
    """The published numbers that the sweeps of a preset meet."""
    found = set()
    for grid in (grid for name in NAMES for grid in SWEEPS[name].presets[preset]):
        for draw in draws(grid.model_copy(update={"num_seeds": 1})):
            found |= {find_published(draw, method, grid.max_steps) for method in grid.values("method")}
    return found - {None}


def test_every_published_number_is_met_by_a_sweep():
    assert known("full") == set(PUBLISHED)
    # What takes a design of 1.5 GB is left to the full preset.
    assert {entry.setting for entry in set(PUBLISHED) - known("cpu")} == {
        entry.setting for entry in PUBLISHED if entry.setting.num_samples == 300 and entry.setting.num_users == 6400
    }


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: f"{entry.method}-{entry.setting.num_users}")
def test_entries_are_about_things_that_exist(entry):
    assert entry.method in METHODS
    assert entry.measure in SCHEMA.names
    assert "arXiv" in entry.source
    assert 0 < entry.value <= 1


def test_other_draws_methods_and_lengths_have_no_published_number():
    entry = next(entry for entry in PUBLISHED if entry.method == "fedrep")
    setting = entry.setting
    draw = Draw(100, 20, 1, (2, 1), 0.0, None, None, 10, setting.noise, 0)
    assert find_published(draw, "fedrep", 100) == entry
    assert find_published(draw, "fedrep", 99) is None
    assert find_published(draw, "altgdmin", 100) is None
    assert find_published(Draw(100, 20, 2, (2, 1), 0.0, None, None, 10, setting.noise, 0), "fedrep", 100) is None
    assert find_published(Draw(100, 20, 1, (2, 1), 0.5, None, None, 10, setting.noise, 0), "fedrep", 100) is None


def test_the_ratio_is_ours_over_theirs():
    entry = next(entry for entry in PUBLISHED if entry.method == "alone")
    assert compare(entry, {"relative_error": 0.2}) == {"published": 0.4, "published_ratio": 0.5}
    assert compare(None, {}) == {"published": None, "published_ratio": None}

"""What is told of the structures that own data support."""

import dataclasses
import io
import json
import math

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from colora_theory import structures
from colora_theory.experiments import choosing
from colora_theory.experiments.cli import app
from colora_theory.experiments.documents import as_json
from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.own_data import arrange
from colora_theory.selection import StructureCandidate, StructureChoice

rng = np.random.default_rng(0)
DATA = {"A": rng.standard_normal((3, 6, 4, 2)), "y": rng.standard_normal((3, 6))}
POOLED = StructureCandidate("pooled", structures.Pooled(3, 1), 5, 1.2, 0.1, 0.2, 0.3)
SHARED = StructureCandidate("shared_both", structures.SharedBoth((1, 1)), 7, 1.0, 0.1, 0.0, 0.0)
ALONE = StructureCandidate("alone", structures.Alone(1), 15, reason="15 unknowns, 12 measurements outside of a fold")
CHOICE = StructureChoice((POOLED, SHARED, ALONE), "pooled", "shared_both", 5)


def test_the_table_names_what_was_chosen_and_why_the_rest_was_not():
    text = io.StringIO()
    Console(file=text, width=140).print(choosing.choice_table(CHOICE))
    rows = {line.split()[1]: line for line in text.getvalue().splitlines() if line.startswith("│")}
    assert "0.2 ± 0.3" in rows["pooled"]
    assert "chosen" in rows["pooled"]
    assert "least error" in rows["shared_both"]
    assert "12 measurements outside of a fold" in rows["alone"]


def test_a_smaller_one_that_is_as_good_leaves_doubts():
    assert CHOICE.sure
    assert "within one standard error of the least, 1 of shared_both (7)" in CHOICE.summary()
    larger = dataclasses.replace(CHOICE, chosen="shared_both")
    assert not larger.sure
    assert "not sure" in larger.summary()


def test_the_summary_is_json_without_numbers_that_are_none():
    told = json.loads(as_json(choosing.choice_summary(CHOICE)))
    assert (told["chosen"], told["least_error"], told["sure"]) == ("pooled", "shared_both", True)
    assert math.isclose(told["candidates"][0]["behind"], 0.2)
    assert told["candidates"][2]["held_out_error"] is None


@pytest.mark.parametrize(("asked", "ranks"), [(None, [1, 2]), ((2, 1), 2)])
def test_ranks_are_those_asked_for_or_all_that_fit(asked, ranks, monkeypatch):
    seen = []
    monkeypatch.setattr(choosing, "choose_structure", lambda samples, y, ranks, folds: seen.append((ranks, folds)))
    choosing.choose_for_data(arrange("own", DATA), asked, 4)
    assert seen == [(ranks, 4)]


def test_what_cannot_be_chosen_from_is_said_in_the_words_of_the_data():
    with pytest.raises(ConfigError, match="own: folds 7 exceeds the 6 samples of user 0"):
        choosing.choose_for_data(arrange("own", DATA), (1, 1), 7)


def test_the_command_tells_structures_beside_the_comparison(tmp_path, monkeypatch):
    monkeypatch.setattr(choosing, "choose_for_data", lambda data, rank, folds: CHOICE)
    monkeypatch.setattr("colora_theory.experiments.comparing.compare_data", lambda data, rank, folds: None)
    monkeypatch.setattr(
        "colora_theory.experiments.comparing.comparison_summary",
        lambda data, comparison, choice: {"structures": choosing.choice_summary(choice)},
    )
    np.savez(tmp_path / "own.npz", **DATA)
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "own.npz"), "--structures", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["structures"]["chosen"] == "pooled"

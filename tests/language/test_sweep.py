import itertools
import json

import jax
import numpy as np
import pytest
from typer.testing import CliRunner

from colora_theory.experiments import cli
from colora_theory.experiments.provenance import source_hash
from colora_theory.experiments.store import Store
from colora_theory.language import command, sweep, weights
from colora_theory.language.encoder import Encoder
from colora_theory.language.errors import LanguageError
from colora_theory.language.lexica import Task
from colora_theory.language.sweep import LINEAR, SCHEMA, LanguageChunk, LanguageDraw, make_plan, users_of
from colora_theory.language.tokens import Tokens
from tests.language.tiny import SIZES, tokenizer_rules

LETTERS = "abcdef"
WORDS = [f"{task}{''.join(pair)}" for task in LETTERS for pair in itertools.product("ghijklmnop", repeat=2)]
METHODS = ("colora", "heads", *LINEAR)


@pytest.fixture(autouse=True)
def tiny_world(monkeypatch):
    """Six tasks of a hundred words, those with one first letter, and a random encoder of 24 numbers a token."""
    every = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "word", "is", *WORDS]
    sizes = SIZES.model_copy(update={"vocab_size": len(every), "hidden_size": 24, "intermediate_size": 12})
    rng = np.random.default_rng(0)
    catalogue = {
        task: Task(
            task,
            frozenset(filter(lambda word, task=task: word[0] == task, WORDS)),
            frozenset(w for w in WORDS if w[0] != task),
        )
        for task in LETTERS
    }

    def drawn(name, shape):
        return jax.numpy.asarray(rng.standard_normal(shape) * shape[-1] ** -0.5, jax.numpy.float32)

    def load():
        return Encoder.build(sizes, drawn), Tokens(tokenizer_rules(every).encode(), 9)

    monkeypatch.setattr(sweep, "load_pretrained", load)
    monkeypatch.setattr(sweep, "categories", lambda: catalogue)
    monkeypatch.setattr(sweep, "_LEXICA", {"categories": lambda: catalogue, "ratings": lambda: catalogue})
    monkeypatch.setattr(sweep, "ratings", lambda: catalogue)
    sweep.bank_of.cache_clear()
    users_of.cache_clear()
    with jax.numpy_dtype_promotion("standard"):
        yield
    sweep.bank_of.cache_clear()
    users_of.cache_clear()


def test_rows_are_those_of_the_schema_and_meet_the_same_words():
    draws = (LanguageDraw("similar", 4, 20, 0),)
    rows = LanguageChunk(draws, METHODS).compute()
    assert rows.schema.equals(SCHEMA)
    told = rows.to_pandas().set_index("method")
    assert list(told.index) == list(METHODS)
    assert told["similarity"].nunique() == 1
    # Shares of 4 users with 40 words each.
    np.testing.assert_allclose(told["accuracy"] * 160, (told["accuracy"] * 160).round(), atol=1e-9)
    assert told["predicted_error"].notna().loc["linear_together"]
    assert told.loc["colora", "status_name"] == "MAX_STEPS"
    assert told.loc["heads", "trained_numbers"] == 4 * (24 + 1 + 1)


def test_the_graded_group_has_a_threshold_for_each_user():
    users = users_of(LanguageDraw(sweep.GRADED, 3, 10, 0))
    assert [task.name for task in users.tasks] == ["a", "b", "c"]
    with pytest.raises(LanguageError, match="9 users asked for, there are 6 thresholds"):
        users_of(LanguageDraw(sweep.GRADED, 9, 10, 0))


@pytest.mark.parametrize("preset", ["smoke", "cpu", "full"])
def test_a_preset_has_no_cell_twice_and_always_the_same_names(preset):
    plan = make_plan(preset)
    cells = [(draw, method) for chunk in plan.chunks for draw in chunk.draws for method in chunk.methods]
    assert len(set(cells)) == len(cells) == plan.num_cells
    assert plan.config_hash == make_plan(preset).config_hash


def test_the_name_of_a_chunk_depends_on_the_guests_source_but_no_other_sweeps_does(tmp_path):
    (tmp_path / "module.py").write_text("x = 1")
    before = source_hash(tmp_path)
    (tmp_path / "claims.py").write_text("y = 2")
    source_hash.cache_clear()
    assert source_hash(tmp_path) == before
    (tmp_path / "module.py").write_text("x = 2")
    source_hash.cache_clear()
    assert len({before, source_hash(tmp_path), source_hash()}) == 3


def test_the_command_runs_draws_and_goes_on(monkeypatch, tmp_path):
    chunks = [LanguageChunk((LanguageDraw("similar", 4, 20, seed),), ("heads", *LINEAR)) for seed in range(2)]
    monkeypatch.setitem(sweep.PRESETS, "smoke", lambda: iter(chunks))
    monkeypatch.setattr(command, "installed_folder", lambda: None)
    line = ["language", "--preset", "smoke", "--results", str(tmp_path / "r"), "--out", str(tmp_path / "o"), "--json"]
    first = CliRunner().invoke(cli.app, line)
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["preset"] == "smoke"
    assert {path.name for path in (tmp_path / "o").iterdir()} == {
        f"{name}.{kind}" for name in command.FIGURES for kind in ("pdf", "png", "txt")
    }
    frame = Store(tmp_path / "r", (SCHEMA,)).load("language", "smoke")
    assert len(frame) == 8
    again = CliRunner().invoke(cli.app, line)
    assert "0 cells computed, 8 found finished" in again.stderr


def test_without_the_extra_it_says_which(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "colora_theory.language.command", None)
    found = CliRunner().invoke(cli.app, ["language"])
    assert found.exit_code == 1
    assert "colora-theory[language]" in found.stderr


def test_without_the_weights_it_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    found = CliRunner().invoke(cli.app, ["language", "--results", str(tmp_path)])
    assert found.exit_code == 1
    assert "make language" in found.stderr

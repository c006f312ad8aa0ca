"""Arguments of every command, with the computing left out: an answer, or an exit code and a few lines."""

import re
import traceback
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from colora_theory.experiments import sweeps
from colora_theory.experiments.cli import app
from tests.fuzz.effort import examples, no_hang

WORDS = [
    "noise",
    "convergance",
    "smoke",
    "cpu",
    "gpu",
    "results",
    "",
    "-",
    "--",
    ".",
    "..",
    "/",
    "/dev/null",
    "/dev/zero",
]
NUMBERS = [
    "0",
    "1",
    "5",
    "-1",
    "1.5",
    "1e308",
    "-1e308",
    "nan",
    "inf",
    "1e-320",
    "9" * 30,
    "0x10",
    "1_0",
    "²",
    "٣",
    "1,2",
    "2,1,1",
]
OPTIONS = {
    "list": ["--json"],
    "run": ["--preset", "--results", "--json"],
    "sweep": ["--results", "--json"],
    "status": ["--results", "--json"],
    "figures": ["--preset", "--results", "--out", "--json"],
    "verify": ["--preset", "--results", "--strict", "--list"],
    "plan": ["--users", "--rows", "--cols", "--rank", "--target", "--noise", "--similarity", "--probability"],
    "reproduce": ["--preset", "--results", "--out", "--json"],
    "fit": ["--rank", "--rank-right", "--out", "--json", "--stream", "--no-stream"],
    "example": [],
    "no-such-command": [],
}
PLAN = {"--users": "5", "--rows": "4", "--cols": "3", "--rank": "1", "--target": "0.1", "--noise": "0.1"}
# What a shell can pass: no NUL, and bytes that are no UTF-8 as Python shows them.
words = st.one_of(
    st.sampled_from(WORDS + NUMBERS),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["\udcff\udcfe", "é\udc80", "\u202e\u0300", "x" * 5000, "[bold]", "[/]", "\x1b[31m", "a\nb", "%s{}"]
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty folder to be in, and no computing."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("commands")
        patch.chdir(folder)
        report = SimpleNamespace(statuses={"CONVERGED": 1}, computed=1, found=0, seconds=0.0, path=folder, owed=0)
        patch.setattr("colora_theory.experiments.runner.run", lambda *_, **__: report)
        patch.setattr("colora_theory.experiments.gallery.draw", lambda *_, **__: [])
        few = {"noise": sweeps.SWEEPS["noise"]}
        patch.setattr(sweeps, "SWEEPS", few)
        for reader in ("status", "report.material"):
            patch.setattr(f"colora_theory.experiments.{reader}.SWEEPS", few)
        patch.setattr("colora_theory.experiments.planning._DRAWS", 1)
        patch.setattr("colora_theory.experiments.runtime.configure_jax", lambda: None)
        yield folder


def answered(arguments: list[str]) -> None:
    """Holds for whatever the arguments are."""
    with no_hang():
        result = CliRunner().invoke(app, arguments)
    told = f"{arguments}\n{result.stderr[-2000:]}"
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError("".join(traceback.format_exception(result.exception)) + told)
    assert result.exit_code in (0, 1, 2, 3), told
    assert not re.search(r"unexpected \w+: ", result.stderr), told
    assert "Traceback" not in result.stderr, told
    if result.exit_code:
        assert result.stderr.strip() or result.stdout.strip(), told
    if "error: " in result.stderr:
        assert len(result.stderr.splitlines()) <= 4, told


@examples(40)
@given(data=st.data())
def test_arguments_of_any_kind(folder, data):
    command = data.draw(st.sampled_from(sorted(OPTIONS)))
    arguments = [command]
    for option in data.draw(st.lists(st.sampled_from([*OPTIONS[command], "--unknown", "-x", "--help"]), max_size=3)):
        arguments += [option, data.draw(words)]
    answered(arguments + data.draw(st.lists(words, max_size=2)))


@examples(15)
@given(changes=st.dictionaries(st.sampled_from(OPTIONS["plan"]), st.sampled_from(NUMBERS), min_size=1, max_size=2))
def test_numbers_of_a_plan(folder, changes):
    answered(["plan", *[word for pair in (PLAN | changes).items() for word in pair]])


@examples(30)
@given(
    name=words,
    preset=words | st.sampled_from(["smoke", "cpu", "full"]),
    results=words,
    command=st.sampled_from(["run", "verify", "figures", "status", "sweep"]),
)
def test_names_presets_and_folders(folder, name, preset, results, command):
    options = {"status": [], "sweep": [name]}.get(command, [name, "--preset", preset])
    answered([command, *options, "--results", results])

import dataclasses
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import colora_theory.figures
from colora_theory.experiments import sweeps
from colora_theory.experiments.cli import app
from colora_theory.experiments.commands import speech
from colora_theory.experiments.sweep import Sweep
from tests.experiments.processes import COLORA

EXAMPLE = Path(__file__).parents[2] / "experiments" / "example.toml"
FIGURE = """
import json, pathlib, sys
SWEEP = "tiny"
def main(argv):
    out = pathlib.Path(argv[argv.index("--out") + 1])
    out.mkdir(parents=True, exist_ok=True)
    (out / "drawn.json").write_text(json.dumps(argv))
"""


def colora(*arguments) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def tiny(monkeypatch, config):
    """A registry that holds one tiny sweep."""
    sweep = Sweep("tiny", "It runs.", "It does not.", {"smoke": config.grid, "cpu": config.grid})
    monkeypatch.setattr(sweeps, "SWEEPS", {"tiny": sweep})
    for reader in ("status", "report.material"):
        monkeypatch.setattr(f"colora_theory.experiments.{reader}.SWEEPS", {"tiny": sweep}, raising=False)
    return sweep


@pytest.fixture
def figure(monkeypatch, tmp_path):
    """A folder of figures that holds one, which writes no picture for the report."""
    folder = tmp_path / "figure_scripts"
    folder.mkdir()
    (folder / "tiny_figure.py").write_text(FIGURE)
    (folder / "style.py").write_text("A_HELPER = True\n")
    monkeypatch.setattr(colora_theory.figures, "__path__", [str(folder)])
    monkeypatch.setattr("colora_theory.experiments.report.material._pictures", lambda *_: ())
    yield "tiny_figure"
    for name in ("tiny_figure", "style"):
        sys.modules.pop(f"colora_theory.figures.{name}", None)


def test_help_documents_the_exit_codes():
    code, out, _ = colora("--help")
    assert code == 0
    for words in ("2 bad input", "130", "interrupted", "reproduce"):
        assert words in out


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--help", 0),
        ("fit --help", 0),
        ("fti", 2),
        ("fit", 2),
        ("plan --users many", 2),
        ("run nope", 2),
        ("run noise --preset nope", 2),
        ("run noise --shard 9/2", 2),
        ("run noise --workers 0", 2),
        ("sweep nowhere.toml", 2),
        ("figures nope", 2),
        ("status nope", 2),
        ("fit nowhere.npz --rank 2", 2),
    ],
)
def test_help_and_wrong_lines_do_not_wait_for_heavy_imports(line, code):
    heavy = ("jax", "scipy", "matplotlib", "pandas", "pyarrow")
    source = (
        "import atexit, sys; from colora_theory.experiments.cli import main\n"
        f"atexit.register(lambda: print('loaded', [name for name in {heavy} if name in sys.modules]))\nmain()"
    )
    command = [sys.executable, "-c", source, *line.split()]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == code
    assert result.stdout.endswith("loaded []\n")


COMMANDS = typer.main.get_command(app).commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_of_a_help_can_be_typed(name):
    told, *examples = COMMANDS[name].epilog.split("\n\n")
    assert told == "Examples:"
    assert examples
    for example in examples:
        program, command, *arguments = shlex.split(example)
        assert (program, command) == ("colora", name)
        COMMANDS[name].make_context(name, arguments)  # raises for what it does not know


@pytest.mark.parametrize(
    "line",
    ["list", "verify --list", "status", "plan --users 16 --rows 9 --cols 9 --rank 2 --target 0.2", "example trial"],
)
def test_json_is_all_that_is_printed(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = colora(*line.split(), "--json")
    assert code == 0
    told = json.loads(out)
    if line == "list":
        assert [each["name"] for each in told] == list(sweeps.SWEEPS)
    if line.startswith("plan"):
        assert told["num_samples"] == max(told["needs"].values())
    if line.startswith("example"):
        assert all(Path(path).exists() for path in told["data"])
        assert shlex.split(told["commands"][0]) == ["colora", "fit", told["data"][0], "--rank", "2"]


def test_every_command_with_a_result_has_json():
    assert [
        name for name, command in COMMANDS.items() if "--json" not in str([each.opts for each in command.params])
    ] == []


def test_json_of_runs_figures_and_the_report(tiny, figure, tmp_path):
    """The same folders one after the other: what was computed is found again."""
    results, out = tmp_path / "results", tmp_path / "out"
    places = ["--preset", "smoke", "--results", results]
    code, printed, _ = colora("run", "tiny", *places, "--json")
    told = json.loads(printed)
    assert (code, told["sweep"], told["computed"], told["found"], told["owed_chunks"]) == (0, "tiny", 8, 0, 0)
    assert sum(told["statuses"].values()) == 8
    assert pd.read_parquet(told["table"])["status_name"].value_counts().to_dict() == told["statuses"]
    code, printed, _ = colora("run", "tiny", *places, "--shard", "1/2", "--json")
    assert (code, json.loads(printed)["complete"]) == (0, True)
    code, printed, _ = colora("figures", figure, *places, "--out", out, "--json")
    (drawn,) = json.loads(printed)
    assert (code, drawn["figure"], drawn["seconds"] >= 0) == (0, figure, True)
    code, printed, _ = colora("report", *places, "--out", tmp_path / "page.html", "--json")
    told = json.loads(printed)
    assert (code, told["page"]) == (0, str(tmp_path / "page.html"))
    assert told["bytes"] == (tmp_path / "page.html").stat().st_size
    code, printed, _ = colora("reproduce", *places, "--out", out, "--json")
    told = json.loads(printed)
    assert code == 0
    assert (told["complete"], told["preset"]) == (True, "smoke")
    assert [each["found"] for each in told["sweeps"]] == [8]
    assert [each["figure"] for each in told["figures"]] == [figure]
    assert told["report"]["page"] == str(out / "report.html")
    assert sum(told["report"]["verdicts"].values()) == len(told["verdicts"])


def test_a_reader_who_has_seen_enough_ends_no_command_with_an_error():
    command = f"{shlex.join(COLORA)} list | head -n 1"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_no_color_means_none(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert speech.stderr().no_color


def test_names_are_completed():
    completed = COMMANDS["run"].params[0].shell_complete(typer.Context(COMMANDS["run"]), "sample_")
    assert {each.value for each in completed} == {"sample_complexity", "sample_limit"}


def test_version():
    code, out, _ = colora("--version")
    assert code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", out)


def test_list_shows_claims_and_sizes():
    code, out, _ = colora("list")
    assert code == 0
    for name, sweep in sweeps.SWEEPS.items():
        assert name in out
        assert sweep.claim[:40] in out
    assert re.search(r"smoke \d+ cells, cpu \d", out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "convergance"], "unknown sweep 'convergance'; did you mean 'convergence'?"),
        (["run", "noise", "--preset", "smoky"], "unknown preset 'smoky'; did you mean 'smoke'?"),
        (["reproduce", "--preset", "gpu"], "unknown preset 'gpu'"),
        (["figures", "nosuchfigure"], "unknown figure 'nosuchfigure'"),
        (["sweep", "nowhere.toml"], "cannot read nowhere.toml"),
    ],
)
def test_bad_input_is_answered_shortly_with_code_2(arguments, message, tmp_path):
    code, _, err = colora(*arguments, "--results", tmp_path)
    assert code == 2
    assert message in err
    assert err.count("\n") <= 2
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(tmp_path):
    code, _, err = colora("--debug", "sweep", tmp_path / "nowhere.toml", "--results", tmp_path)
    assert code == 2
    assert "Traceback" in err


def test_an_unexpected_error_is_short_too(monkeypatch, tiny, tmp_path):
    def broken(*_):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("colora_theory.experiments.plan.Chunk.compute", broken)
    code, _, err = colora("run", "tiny", "--results", tmp_path)
    assert code == 1
    assert "unexpected ZeroDivisionError: of all things" in err
    assert "Traceback" not in err


def test_an_unwritable_folder_has_a_code_of_its_own(tiny, tmp_path):
    (tmp_path / "results").write_text("in the way")
    code, _, err = colora("run", "tiny", "--results", tmp_path / "results")
    assert code == 3
    assert str(tmp_path / "results") in err


def test_status_names_a_damaged_table_of_a_users_own_sweep(tmp_path):
    table = tmp_path / "mine" / "custom.parquet"
    table.parent.mkdir()
    table.write_bytes(b"garbage")
    code, _, err = colora("status", "--results", tmp_path)
    assert code == 0
    assert str(table) in err


def test_a_folder_that_is_no_sweep_is_refused_and_own_sweeps_are_offered(tmp_path):
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "times.json").write_text("{}")
    (tmp_path / "my_grids").mkdir()
    (tmp_path / "my_grids" / "custom.parquet").write_bytes(b"garbage")
    code, out, err = colora("status", "bench", "--results", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "unknown sweep 'bench'" in err
    code, _, err = colora("status", "my_grid", "--results", tmp_path)
    assert code == 2
    assert "unknown sweep 'my_grid'; did you mean 'my_grids'?" in err
    assert colora("status", "my_grids", "--results", tmp_path)[0] == 0


def test_run_status_and_run_again(tiny, tmp_path):
    code, out, err = colora("status", "--results", tmp_path)
    assert (code, out, "no results" in err) == (0, "", True)
    code, _, err = colora("run", "tiny", "--preset", "smoke", "--results", tmp_path)
    assert code == 0
    assert "8 cells computed, 0 found finished" in err
    (chunk, _) = sorted((tmp_path / "tiny" / "smoke" / "chunks").iterdir())
    chunk.write_bytes(b"garbage")
    code, out, err = colora("status", "--results", tmp_path)
    assert code == 0
    assert "4 / 8" in out
    assert chunk.name in err
    code, _, err = colora("run", "tiny", "--preset", "smoke", "--results", tmp_path)
    assert code == 0
    assert "4 cells computed, 4 found finished" in err
    assert "quarantine" in err
    code, out, err = colora("status", "--results", tmp_path)
    assert "8 / 8" in out


def test_reproduce_runs_sweeps_and_draws_figures(tiny, figure, tmp_path):
    results, out = tmp_path / "results", tmp_path / "out"
    arguments = ["--preset", "smoke", "--results", results, "--out", out]
    code, _, err = colora("reproduce", *arguments)
    assert code == 0
    assert (results / "tiny" / "smoke.parquet").exists()
    assert re.search(r"reproduce \(smoke\): done in \d+ s", err)
    assert "tiny" in (out / "report.html").read_text()
    drawn = json.loads((out / "drawn.json").read_text())
    assert drawn == ["--results", str(results), "--preset", "smoke", "--out", str(out)]
    (out / "drawn.json").unlink()
    code, _, err = colora("figures", figure, *arguments)
    assert code == 0
    assert (out / "drawn.json").exists()


def test_a_figure_without_its_table_names_the_command(tiny, figure, tmp_path):
    code, _, err = colora("figures", "--preset", "smoke", "--results", tmp_path)
    assert code == 1
    assert f"run: colora run tiny --preset smoke --results {tmp_path}" in err


def test_a_figure_is_not_drawn_from_the_table_of_other_grids(tiny, figure, tmp_path, monkeypatch):
    assert colora("run", "tiny", "--preset", "smoke", "--results", tmp_path)[0] == 0
    changed = dataclasses.replace(tiny, presets={"smoke": [tiny.presets["smoke"][0].model_copy(update={"noise": 0.1})]})
    monkeypatch.setattr(sweeps, "SWEEPS", {"tiny": changed})
    code, _, err = colora("figures", "--preset", "smoke", "--results", tmp_path)
    assert code == 1
    assert "other grids" in err


def test_the_example_for_newcomers_works(tmp_path):
    code, _, err = colora("sweep", EXAMPLE, "--results", tmp_path)
    assert code == 0, err
    table = pd.read_parquet(tmp_path / "example" / "custom.parquet")
    assert set(table["method"]) == {"alternating", "oracle", "alone"}
    code, out, _ = colora("status", "--results", tmp_path)
    assert f"{len(table)} / {len(table)}" in out


def test_lines_without_a_terminal_are_few(tiny, tmp_path):
    _, _, err = colora("run", "tiny", "--results", tmp_path)
    assert len(err.splitlines()) <= 4
    assert "\x1b" not in err

"""What is installed: one package, with all that its commands need, from anywhere."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent
GRIDS = """
name = "mine"

[[grid]]
num_users = 4
num_rows = 6
num_cols = 5
rank = 1
num_samples = 12
method = "alternating"
num_seeds = 2
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))
    return Path(path)


def test_one_package_and_nothing_generic_beside_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"colora_theory"}


def test_every_file_of_the_package_is_in_it(wheel):
    """The folders that stand at the top of the repository, too, and what is no Python."""
    kinds = {".py", ".pyi", ".typed", ".toml", ".jinja", ".css", ".js", ".mplstyle"}
    mounted = {
        "colora_theory": "colora_theory",
        "experiments": "colora_theory/experiments",
        "figures": "colora_theory/figures",
        "language": "colora_theory/language",
    }
    expected = {
        f"{inside}/{path.relative_to(ROOT / folder)}"
        for folder, inside in mounted.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and (path.suffix in kinds or path.name == "py.typed")
    }
    with zipfile.ZipFile(wheel) as archive:
        assert expected <= set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Runs programs of an environment that holds the wheel alone; the folder they run in; seconds of installing."""
    root = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", root / "empty"], check=True)
    programs, work = root / "empty" / "bin", root / "work"
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(program, *arguments):
        command = [programs / program, *map(str, arguments)]
        return subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True, text=True).stdout

    began = time.monotonic()
    run("pip", "install", "--quiet", "--constraint", ROOT / "requirements.lock", wheel)
    return run, work, time.monotonic() - began


@pytest.mark.long
def test_from_an_empty_environment_to_a_fit_with_a_picture_and_a_swept_figure(installed):
    """`pytest -m long tests/test_wheel.py -s` prints the seconds of the first three commands."""
    run, work, seconds = installed
    began = time.monotonic()
    run("colora", "example", "trial")
    run("colora", "fit", "trial/dense.npz", "--rank", "2", "--out", "fitted")
    seconds += time.monotonic() - began
    print(f"{seconds:.0f} s")
    assert (work / "fitted" / "summary.svg").exists()
    assert seconds < 120
    run("colora", "run", "noise", "--preset", "smoke")
    run("colora", "figures", "noise", "--preset", "smoke")
    run("colora", "report", "--preset", "smoke")
    run("colora", "compare", "trial/dense.npz", "--rank", "2")
    sizes = ["--users", "6", "--rows", "8", "--cols", "6", "--rank", "2"]
    assert json.loads(run("colora", "plan", *sizes, "--target", "0.1", "--noise", "0.1", "--json"))["num_samples"] > 7
    assert any(each["name"] == "noise" for each in json.loads(run("colora", "list", "--json")))
    (work / "mine.toml").write_text(GRIDS)
    assert json.loads(run("colora", "sweep", "mine.toml", "--json"))["computed"] == 2
    assert "mine" in run("colora", "status")
    assert (work / "figures" / "out" / "noise.png").exists()
    assert (work / "report.html").stat().st_size > 10_000


@pytest.mark.long
def test_the_whole_road_outside_of_the_source_tree(installed):
    """Minutes, printed with `-s`."""
    run, work, _ = installed
    began = time.monotonic()
    told = json.loads(run("colora", "reproduce", "--preset", "smoke", "--out", "drawn", "--json"))
    print(f"reproduce: {time.monotonic() - began:.0f} s, the page {told['report']['seconds']:.0f} s of it")
    assert told["complete"]
    assert all(Path(work / path).exists() for figure in told["figures"] for path in figure["files"])
    assert (work / "drawn" / "report.html").stat().st_size == told["report"]["bytes"]
    run("colora", "verify", "--preset", "smoke")

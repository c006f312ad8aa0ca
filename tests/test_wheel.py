"""What is installed: one package, with all that its commands need, from anywhere."""

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent


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
    }
    expected = {
        f"{inside}/{path.relative_to(ROOT / folder)}"
        for folder, inside in mounted.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and (path.suffix in kinds or path.name == "py.typed")
    }
    with zipfile.ZipFile(wheel) as archive:
        assert expected <= set(archive.namelist())


@pytest.mark.long
def test_from_an_empty_environment_to_a_fit_with_a_picture_and_a_swept_figure(wheel, tmp_path):
    """`pytest -m long tests/test_wheel.py -s` prints the seconds of the first three commands."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "empty"], check=True)
    programs, work = tmp_path / "empty" / "bin", tmp_path / "work"
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(program, *arguments):
        command = [programs / program, *map(str, arguments)]
        subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True, text=True)

    began = time.monotonic()
    run("pip", "install", "--quiet", "--constraint", ROOT / "requirements.lock", wheel)
    run("colora", "example", "trial")
    run("colora", "fit", "trial/dense.npz", "--rank", "2", "--out", "fitted")
    seconds = time.monotonic() - began
    print(f"{seconds:.0f} s")
    assert (work / "fitted" / "summary.svg").exists()
    assert seconds < 120
    run("colora", "run", "noise", "--preset", "smoke")
    run("colora", "figures", "noise", "--preset", "smoke")
    run("colora", "report", "--preset", "smoke")
    run("colora", "status")
    run("colora", "compare", "trial/dense.npz", "--rank", "2")
    assert (work / "figures" / "out" / "noise.png").exists()
    assert (work / "report.html").stat().st_size > 10_000

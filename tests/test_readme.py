"""What the README promises."""

import re
from pathlib import Path

import pytest

from colora_theory.experiments.gallery import figure_modules

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_blocks_run(block, capsys):
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("CONVERGED")


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_figure_is_listed():
    assert set(re.findall(r"^\| `(\w+)` \| `colora run", README, re.MULTILINE)) == set(figure_modules())

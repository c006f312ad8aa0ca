"""Code blocks of pages: what there is, what is run, and whether what came out is what the page shows.

`python -m tests.doc_blocks docs/first-steps.md` writes into a page what its commands give today.
"""

import contextlib
import io
import math
import re
import runpy
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from colora_theory.experiments.cli import app
from colora_theory.experiments.methods import METHODS

NOT_RUN = "not run by the tests"
LANGUAGES = {"python", "bash", "console", "toml", "text", "json"}
_FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]*)"')
# Seconds and lines of progress differ from run to run; which attempt was the best, from machine to machine.
_PROGRESS = re.compile(r"^\S+ \(\w+\): (?:\d+ cells$|\d+/\d+ cells, )")
_FREE = re.compile(
    r"^.*: \d+ cells$|^.* \d+/\d+ cells, .*$|after \d+ steps|\(attempt[^)]*\)|\d[\d.]*(?= s\b)", re.MULTILINE
)
_WORDS = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?|[A-Za-z_]\w*")
_LARGEST_ROUNDING = 1e-11
_DIGITS = 0.02


class Block(NamedTuple):
    """A fenced block."""

    language: str
    title: str
    text: str

    @property
    def runs(self) -> bool:
        return not self.title.startswith(NOT_RUN)


@contextlib.contextmanager
def own_methods_forgotten() -> Iterator[None]:
    """What is registered within is gone afterwards."""
    known = dict(METHODS)
    try:
        yield
    finally:
        METHODS.clear()
        METHODS.update(known)


def blocks_of(page: Path) -> list[Block]:
    found = _FENCE.findall(page.read_text())
    return [Block(language, (_TITLE.findall(rest) or [""])[0], text) for language, rest, text in found]


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what the page shows below it; backslashes join lines, # begins a remark."""
    text = block.text.replace("\\\n", " ")
    if block.language == "console":
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown
    else:
        yield from ((line, "") for line in text.splitlines() if line.strip() and not line.startswith("#"))


def run(command: str) -> str:
    """What `colora ..` or `python FILE` prints here, in this very process."""
    words = shlex.split(command, comments=True)
    if words[0] == "colora":
        result = CliRunner().invoke(app, words[1:], prog_name="colora", env={"COLUMNS": "110"})
        assert result.exit_code == 0, f"{command}\n{result.output}"
        return result.output
    assert words[0] == "python", f"only colora and python FILE are run, not {command}"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(words[1])
    return printed.getvalue()


def same(shown: str, printed: str) -> bool:
    """Equal words, and numbers that agree to `_DIGITS`.

    What is `_FREE`, rounding errors and the frames of tables are not compared.
    """
    pairs = list(zip(_words(shown), _words(printed), strict=False))
    return len(_words(shown)) == len(_words(printed)) and all(_alike(*pair) for pair in pairs)


def _words(text: str) -> list[str]:
    return _WORDS.findall(_FREE.sub("", text))


def _alike(one: str, other: str) -> bool:
    try:
        first, second = float(one), float(other)
    except ValueError:
        return one == other
    return max(abs(first), abs(second)) < _LARGEST_ROUNDING or math.isclose(first, second, rel_tol=_DIGITS)


def renewed(page: Path) -> str:
    """The page with what its commands give today below each `$`, run in an empty folder."""
    text = page.read_text()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for block in blocks_of(page):
            if block.title and block.runs:
                Path(block.title).write_text(block.text)
            elif block.language == "console":
                parts = [f"$ {command}\n{run(command)}" for command, _ in commands(block)]
                lines = [line.rstrip() for line in "".join(parts).splitlines() if not _PROGRESS.match(line)]
                text = text.replace(block.text, "\n".join(lines) + "\n")
    return text


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(renewed(Path(name).resolve()))

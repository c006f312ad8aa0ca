"""The notebooks run from top to bottom, and lie in the repository without outputs and without a trace of a machine."""

import ast
import json
from pathlib import Path

import matplotlib.pyplot
import pytest

from tests.doc_blocks import own_methods_forgotten

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells_of(path):
    return json.loads(path.read_text())["cells"]


def run_cell(source, namespace):
    """Runs a cell; its last expression, if it ends with one, is shown as a notebook would show it."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
    return value._repr_html_() if hasattr(value, "_repr_html_") else repr(value)


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    namespace = {}
    with own_methods_forgotten():
        for source in ("".join(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "code"):
            run_cell(source, namespace)
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_clean(path):
    """Of the form of nbformat 4.5: Python without outputs and counts, an id for every cell, no paths."""
    document = json.loads(path.read_text())
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    assert set(document) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    names = [cell["id"] for cell in document["cells"]]
    assert len(set(names)) == len(names)
    for cell in document["cells"]:
        wanted = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            wanted |= {"outputs", "execution_count"}
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            ast.parse("".join(cell["source"]))
        else:
            assert cell["cell_type"] == "markdown"
        assert set(cell) == wanted
        assert not any(path in "".join(cell["source"]) for path in ("/home/", "/tmp", "/Users/", "C:\\"))


def test_there_are_some():
    assert len(NOTEBOOKS) >= 5
    assert cells_of(NOTEBOOKS[0])[0]["source"][0].startswith("# ")

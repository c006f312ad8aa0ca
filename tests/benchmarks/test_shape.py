"""The shape of the folder: short files, everything public documented, no path out of the library's public names."""

import ast
import inspect
import statistics
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
FILES = sorted(FOLDER.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_everything_public_is_documented(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
            for method in getattr(node, "body", []):
                if isinstance(node, ast.ClassDef) and isinstance(method, ast.FunctionDef) and method.name[0] != "_":
                    assert ast.get_docstring(method), f"{node.name}.{method.name}"


def test_files_are_short():
    lengths = [len(inspect.cleandoc(path.read_text()).splitlines()) for path in FILES]
    assert max(lengths) < 250
    assert statistics.median(lengths) < 150

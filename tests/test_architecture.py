"""The shape of the code base: who may import whom, files short enough to read, nothing undocumented."""

import ast
import importlib
import inspect
import pkgutil
import statistics
from pathlib import Path

import pytest

import colora_theory

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "colora_theory"

# Each may import those before it, and nothing else of the library.
LAYERS = [
    "checks",
    "frames",
    "display",
    "lanes",
    "linalg",
    "grassmann",
    "factors",
    "streaming",
    "sensing",
    "output_moments",
    "problem",
    "units",
    "whitening",
    "designs",
    "synthetic",
    "solvers",
    "starts",
    "empirical_bayes",
    "solution",
    "solve",
    "restarts",
    "rounds",
    "baselines",
    "fit",
]
ALLOWED = {name: set(LAYERS[:place]) for place, name in enumerate(LAYERS)}
ALLOWED["starts"] -= {"synthetic"}
ALLOWED["empirical_bayes"] -= {"synthetic", "solvers", "starts"}
ALLOWED["solution"] = {"display", "linalg", "factors", "problem", "inference"}
ALLOWED["bayes"] = {"empirical_bayes", "factors", "precision", "sensing", "problem", "inference", "theory"}
ALLOWED["retrieval"] = {"factors", "precision", "problem", "inference", "theory"}
ALLOWED["accuracy"] = {"streaming", "problem", "inference", "solution"}
ALLOWED["precision"] = set()
ALLOWED["bootstrap"] = {
    "lanes",
    "grassmann",
    "factors",
    "precision",
    "sensing",
    "problem",
    "inference",
    "solution",
    "starts",
    "solvers",
    "solve",
}
ALLOWED["structures"] = {
    "display",
    "linalg",
    "grassmann",
    "factors",
    "precision",
    "sensing",
    "problem",
    "solvers",
    "solution",
    "theory",
}
ALLOWED["robust"] = {
    "checks",
    "display",
    "linalg",
    "factors",
    "precision",
    "problem",
    "starts",
    "solvers",
    "solution",
    "solve",
    "restarts",
    "theory",
}
ALLOWED["inference"] = {"factors", "precision", "sensing", "problem", "theory"}
ALLOWED["solvers"] -= {"synthetic"}
ALLOWED["solve"] -= {"synthetic", "empirical_bayes"}
ALLOWED["restarts"] -= {"synthetic", "empirical_bayes"}
ALLOWED["rounds"] = {"linalg", "factors", "problem", "solution", "solvers"}
ALLOWED["baselines"] -= {"synthetic", "restarts"}
ALLOWED["selection"] = {
    "checks",
    "frames",
    "linalg",
    "factors",
    "precision",
    "sensing",
    "problem",
    "starts",
    "solvers",
    "solve",
    "baselines",
    "structures",
    "theory",
}
ALLOWED["fit"] = ALLOWED["fit"] - {"synthetic", "baselines"} | {"precision", "selection", "theory"}
ALLOWED["sharding"] = {"factors", "sensing", "problem", "solution"}
ALLOWED["federation"] = {
    "linalg",
    "grassmann",
    "factors",
    "sensing",
    "problem",
    "solution",
    "starts",
    "solvers",
    "rounds",
}
ALLOWED["communication"] = {"factors", "solution", "starts", "solvers", "baselines"}
ALLOWED["metrics"] = {"linalg", "grassmann", "factors"}
ALLOWED["theory"] = {"lanes", "linalg", "grassmann", "factors", "precision", "sensing", "problem", "synthetic"}
ALLOWED["figures"] = {"theory", "experiments"}
ALLOWED["language"] = {
    "linalg",
    "factors",
    "problem",
    "solution",
    "structures",
    "fit",
    "theory",
    "experiments",
    "figures",
}
FOLDERS = ("colora_theory", "experiments", "figures", "language")


def python_files(*folders):
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if not path.is_symlink())


def part_of(path):
    """The part of the library that a file is, or is in."""
    relative = path.relative_to(LIBRARY) if path.is_relative_to(LIBRARY) else path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imported_parts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [
                f"{node.module}.{alias.name}" if node.module == "colora_theory" else node.module for alias in node.names
            ]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            assert name.split(".")[0] not in FOLDERS[1:], f"{path}: import as colora_theory.{name}"
            if name.split(".")[0] == "colora_theory":
                yield name.partition(".")[2].partition(".")[0]


@pytest.mark.parametrize("path", python_files(*FOLDERS), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    part = part_of(path)
    if path == LIBRARY / "__init__.py":
        return
    if part == "experiments":
        # The doors between them: figures by their names, and the pictures of single commands.
        assert path.name in {"gallery.py", "pictures.py"} or "figures" not in set(imported_parts(path))
        # The guest by its command alone.
        assert path.name == "language.py" or "language" not in set(imported_parts(path))
        return
    assert set(imported_parts(path)) <= ALLOWED[part] | {part}


def test_files_are_short():
    lengths = [len(path.read_text().splitlines()) for path in python_files(*FOLDERS)]
    assert max(lengths) <= 500
    assert statistics.median(lengths) < 200


MODULES = ["colora_theory"] + [info.name for info in pkgutil.walk_packages(colora_theory.__path__, "colora_theory.")]


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__, module.__name__
    for name, member in vars(module).items():
        if name.startswith("_") or getattr(member, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(member) or inspect.isfunction(member):
            assert inspect.getdoc(member), f"{module.__name__}.{name}"
        if inspect.isclass(member):
            for method_name, method in inspect.getmembers(member, inspect.isfunction):
                if not method_name.startswith("_") and method.__module__ == module.__name__:
                    assert inspect.getdoc(method), f"{module.__name__}.{name}.{method_name}"

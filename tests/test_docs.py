"""What the pages promise: their code runs, commands exist, links lead somewhere, outputs are as shown."""

import re
import shlex
from pathlib import Path

import pytest
import typer

import colora_theory as ct
from colora_theory.experiments.cli import app
from colora_theory.experiments.gallery import figure_modules
from tests.doc_blocks import LANGUAGES, blocks_of, commands, own_methods_forgotten, run, same

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# What a page says that its reader has.
GIVEN = {
    "scaling.md": """
import jax
import colora_theory as ct

family = ct.TaskFamily(num_users=4, num_rows=5, num_cols=5, rank=2)
problem = ct.sample_instance(jax.random.key(0), family, num_samples=16).problem
""",
}
# What these compile is more than the quick suite can bear.
SLOW = {"first-steps.md", "extending.md", "family.md"}
BLOCKS = {page.name: blocks_of(page) for page in PAGES}


def named(*languages, runs=True):
    """The pages with blocks in these languages, of all blocks or of those that are run."""
    return [
        pytest.param(name, found, id=name, marks=[pytest.mark.long] if runs and name in SLOW else [])
        for name, blocks in BLOCKS.items()
        if (found := [block for block in blocks if block.language in languages and (block.runs or not runs)])
    ]


@pytest.mark.parametrize(("page", "blocks"), [item for item in named("python") if item.id != "first-steps.md"])
def test_python_blocks_run(page, blocks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(GIVEN.get(page, ""), namespace)
    with own_methods_forgotten():
        for block in blocks:
            exec(compile(block.text, page, "exec"), namespace)
    if page == "README.md":
        assert capsys.readouterr().out.startswith("CONVERGED")


@pytest.mark.parametrize(("page", "blocks"), named("python", runs=False))
def test_python_blocks_are_python(page, blocks):
    for block in blocks:
        compile(block.text, page, "exec")


@pytest.mark.parametrize(("page", "blocks"), named("bash", "console", runs=False))
def test_commands_are_understood(page, blocks):
    for block in blocks:
        for command, _ in commands(block):
            understand(command)


@pytest.mark.parametrize(("page", "blocks"), named("bash", "console"))
def test_commands_give_what_the_page_shows(page, blocks, tmp_path, monkeypatch):
    """Page by page in an empty folder, files of the page written when they are shown."""
    monkeypatch.chdir(tmp_path)
    for block in BLOCKS[page]:
        if block.language in {"python", "toml"} and block.title:
            Path(block.title).write_text(block.text)
        elif block in blocks:
            for command, shown in commands(block):
                printed = run(command)
                assert not shown or same(shown, printed), f"{page} shows\n{shown}\nof {command}, which gives\n{printed}"


@pytest.mark.parametrize("page", BLOCKS)
def test_every_block_has_a_language(page):
    for block in BLOCKS[page]:
        assert block.language in LANGUAGES, f"{page}: say what this is, one of {sorted(LANGUAGES)}:\n{block.text}"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [("k = 3: 0.50", "k = 3: 0.60"), ("limited by noise", "limited by counting"), ("a 1 b", "a 1"), ("7", "8")],
)
def test_other_output_is_seen(shown, printed):
    assert not same(shown, printed)


def test_same_output_is_seen():
    assert same("│ error 0.0301 │ 1e-15 in 1.2 s", "error 0.0302, 3e-15 in 17 s")


def test_unknown_commands_are_seen():
    with pytest.raises(Exception, match="No such option: --rnak"):
        understand("colora fit data.npz --rnak 2")


def understand(command):
    """Lets the parser of `colora` take a command apart, without running it; other programs are left alone."""
    words = [word for word in shlex.split(command, comments=True) if word != "..."]
    if words and words[0] == "colora":
        parse(typer.main.get_command(app), "colora", words[1:])


def parse(command, name, words):
    context = command.make_context(name, words)
    if hasattr(command, "resolve_command"):
        found, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parse(inner, found, rest)


def test_links_of_the_readme_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


def test_every_figure_is_listed_in_the_readme():
    listed = re.findall(r"^\| `(\w+)` \| `colora run", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert set(listed) == set(figure_modules())


def test_public_names_have_an_entry_in_the_api_pages():
    listed = {
        name
        for page in (ROOT / "docs" / "api").glob("*.md")
        for name in re.findall(r"^::: colora_theory\.(\S+)$", page.read_text(), re.MULTILINE)
    }
    names = "solvers starts sensing theory designs baselines streaming inference selection metrics structures robust"
    parts = [getattr(ct, name) for name in names.split()]
    public = {name for name, value in vars(ct).items() if is_public(name, value, ct)}
    assert public - listed == set()
    for part in parts:
        prefix = part.__name__.removeprefix("colora_theory.")
        own = {f"{prefix}.{name}" for name, value in vars(part).items() if is_public(name, value, part)}
        assert own - listed - {f"{prefix}.{name}" for name in public} == set()


def is_public(name, value, part):
    """Whether it is a class or function of that module or, of a package, of a module in it."""
    return not name.startswith("_") and callable(value) and getattr(value, "__module__", "").startswith(part.__name__)

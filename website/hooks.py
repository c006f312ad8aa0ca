"""Hooks of mkdocs: mathematics as MathML, angle brackets as they are written, notebooks and the changelog as pages.

Nothing is fetched from a network, neither here nor by a reader's browser.
"""

import html
import json
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
# What pymdownx.arithmatex leaves, with generic: true.
_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)
_ELSEWHERE = re.compile(r"\]\((?:\.\./)?(?:docs/)?([\w/-]+\.md)")


class PlainBrackets(Extension):
    """<A, W> is an inner product, not a tag: no HTML in the pages."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """See `Extension`."""
        md.inlinePatterns.deregister("html")
        md.preprocessors.deregister("html_block")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Takes raw HTML out of the grammar."""
    config.markdown_extensions.append(PlainBrackets())  # type: ignore[arg-type]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are not in docs/."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=notebook_page(path)))
    changes = _ELSEWHERE.sub(r"](\1", (ROOT / "CHANGELOG.md").read_text())
    files.append(File.generated(config, "changelog.md", content=changes))
    return files


def on_page_content(content: str, **_: Any) -> str:
    """Formulas become MathML, which browsers draw by themselves."""
    return _BLOCK.sub(lambda found: _mathml(found[1], "block"), _INLINE.sub(lambda f: _mathml(f[1], "inline"), content))


def notebook_page(path: Path) -> str:
    """A notebook as a page: texts as they are, code in fences."""
    cells = json.loads(path.read_text())["cells"]
    parts = []
    for number, cell in enumerate(cells):
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        if number == 0:
            parts.append(f"*The file is `notebooks/{path.name}`; every cell is run by a test.*")
    return "\n\n".join(parts) + "\n"


def _mathml(formula: str, display: str) -> str:
    return convert(html.unescape(formula).strip(), display=display)

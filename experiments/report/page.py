"""The page: the material put into the template, with its style and script inside."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from colora_theory.experiments.claims.claim import Source
from colora_theory.experiments.claims.evidence import Verdict
from colora_theory.experiments.claims.verify import Judgement
from colora_theory.experiments.provenance import package_version
from colora_theory.experiments.report.drawing import inline
from colora_theory.experiments.report.material import Exhibit, Material, counts
from colora_theory.experiments.report.rules import read
from colora_theory.experiments.report.strip import strip

_FOLDER = Path(__file__).parent
# How a verdict is told without colour.
SYMBOLS: Mapping[Verdict, str] = {
    Verdict.HOLDS: "\N{CHECK MARK}",
    Verdict.UNDECIDED: "~",
    Verdict.REFUTED: "\N{MULTIPLICATION X}",
    Verdict.NO_DATA: "\N{EN DASH}",
    Verdict.NOT_ASKED: "\N{MIDDLE DOT}",
}
# After a number of claims.
PLURALS: Mapping[Verdict, str] = {
    Verdict.HOLDS: "hold",
    Verdict.UNDECIDED: "undecided",
    Verdict.REFUTED: "refuted",
    Verdict.NO_DATA: "without data",
    Verdict.NOT_ASKED: "not asked in this preset",
}
SOURCES: Mapping[Source, str] = {
    Source.ABSTRACT: "abstract of arXiv 2602.07218",
    Source.PUBLISHED: "published elsewhere",
    Source.OURS: "ours, docs/theory.md",
}


def render(material: Material) -> str:
    """The page as HTML, in one file: nothing else is loaded. The same material gives the same text."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["slug"] = slug
    exhibits = {exhibit.sweep.name: exhibit for exhibit in material.exhibits}
    number = counts(material.judgements)
    return environment.get_template("page.html.jinja").render(
        material=material,
        version=package_version(),
        style=Markup((_FOLDER / "style.css").read_text(encoding="utf-8")),
        script=Markup((_FOLDER / "script.js").read_text(encoding="utf-8")),
        verdicts=[
            (verdict.value, PLURALS[verdict], count) for verdict in PLURALS if (count := number.get(verdict.value, 0))
        ],
        sources=[(source.value, words) for source, words in SOURCES.items()],
        claims=[_claim(judgement, exhibits.get(judgement.claim.sweep)) for judgement in material.judgements],
        exhibits=[_exhibit(exhibit, material) for exhibit in material.exhibits],
    )


def slug(text: str) -> str:
    """A name as part of an id or a class."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _claim(judgement: Judgement, exhibit: Exhibit | None) -> dict[str, Any]:
    claim, evidence = judgement.claim, judgement.evidence
    reading = read(claim.rule)
    return {
        "claim": claim,
        "title": claim.name.replace("_", " "),
        "verdict": judgement.verdict.value,
        "symbol": SYMBOLS[judgement.verdict],
        "source": SOURCES[claim.source],
        "reading": reading,
        "evidence": evidence,
        "strip": None if evidence is None else strip(evidence, reading),
        "reason": judgement.reason.splitlines(),
        "exhibit": exhibit,
    }


def _exhibit(exhibit: Exhibit, material: Material) -> dict[str, Any]:
    return {
        "exhibit": exhibit,
        "title": exhibit.sweep.name.replace("_", " "),
        "reason": exhibit.reason.splitlines(),
        "pictures": [
            (picture, Markup(inline(picture.svg, f"drawing-{slug(picture.name)}", f"{picture.name}: {picture.alt}")))
            for picture in exhibit.pictures
        ],
        "claims": [judgement.claim for judgement in material.judgements if judgement.claim.sweep == exhibit.sweep.name],
        "provenance": {name: _words(name, value) for name, value in exhibit.provenance.items()},
    }


def _words(name: str, value: Any) -> str:
    """A value of the provenance; where the chunks of a table differ there are several, sorted."""
    if value is None:
        return "unknown"
    if not isinstance(value, list):
        return str(value)
    return f"{value[0]} to {value[-1]}" if name == "created" else "; ".join(map(str, value))

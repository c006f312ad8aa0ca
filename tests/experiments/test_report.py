"""The report without a browser: what is on the page, that it stands alone, and that everybody can read it."""

import collections
import dataclasses
import itertools
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from colora_theory.experiments import cli, report
from colora_theory.experiments.claims.evidence import AbstractRule, Attains, Evidence, Inside, Verdict
from colora_theory.experiments.claims.ledger import CLAIMS
from colora_theory.experiments.report.drawing import inline
from colora_theory.experiments.report.material import State, gather
from colora_theory.experiments.report.page import render
from colora_theory.experiments.report.rules import read
from colora_theory.experiments.report.strip import strip
from colora_theory.experiments.store import Store
from colora_theory.experiments.sweeps import SWEEPS
from tests.experiments.report_material import DAMAGED, DRAWN, make_material

STYLE = (Path(report.__file__).parent / "style.css").read_text(encoding="utf-8")
VOID = {"meta", "link", "input", "br"}


class Reader(HTMLParser):
    """Elements with their attributes and their texts; complains of what is not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.open, self.texts = [], [], collections.defaultdict(str)
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        self.texts["all"] += data
        for tag, attributes in self.open:
            self.texts[attributes.get("id", tag)] += data

    def named(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return make_material(tmp_path_factory.mktemp("report") / "results")


@pytest.fixture(scope="module")
def page(material):
    return render(material)


@pytest.fixture(scope="module")
def reader(page):
    return Reader(page)


def test_every_claim_is_told(material, reader):
    cards = {card["data-verdict"]: 0 for card in reader.named("article") if "data-verdict" in card}
    assert cards.keys() == {"HOLDS", "REFUTED", "NO DATA", "NOT ASKED"}
    text = " ".join(reader.texts["claims"].split())
    for judgement in material.judgements:
        reading = read(judgement.claim.rule)
        for words in (judgement.claim.statement, judgement.claim.prediction, reading.holds, reading.refuted):
            assert " ".join(words.split()) in text
        if judgement.evidence is not None:
            assert f"{judgement.evidence.value:.3g}" in text


def test_figures_are_drawn_and_what_is_missing_says_how_to_make_it(material, reader):
    states = {exhibit.sweep.name: exhibit.state for exhibit in material.exhibits}
    assert states == dict.fromkeys(SWEEPS, State.MISSING) | dict.fromkeys(DRAWN, State.READY) | {DAMAGED: State.DAMAGED}
    drawings = [svg for svg in reader.named("svg") if "strip" not in svg.get("class", "")]
    assert len(drawings) == len(DRAWN)
    text = reader.texts["figures"]
    for exhibit in material.exhibits:
        if exhibit.state is State.READY:
            assert exhibit.rows > 0
            assert exhibit.sealed
            (picture,) = exhibit.pictures
            assert picture.caption in text
            assert f"colora figures {picture.name} --preset smoke --results results" in text
        else:
            assert f"colora run {exhibit.sweep.name} --preset smoke" in text
    assert "truncated" in text
    assert "schema version" in reader.texts["provenance"]


def test_ids_are_unique_and_links_lead_somewhere(reader):
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [a["href"] for a in reader.named("a")]
    targets += [use["href"] for use in reader.named("use")]
    targets += [f"#{name}" for _, found in reader.elements for name in re.findall(r"url\(#(.*?)\)", str(found))]
    targets += [f"#{of['aria-labelledby']}" for _, of in reader.elements if "aria-labelledby" in of]
    assert targets
    assert {target.removeprefix("#") for target in targets} <= set(ids)


def test_controls_and_images_have_names(reader):
    labelled = {label["for"] for label in reader.named("label")}
    assert {field["id"] for field in reader.named("input", "select")} == labelled
    assert all(svg["role"] == "img" and len(svg["aria-label"]) > 20 for svg in reader.named("svg"))
    assert {"main", "nav", "header", "footer", "h1"} <= {tag for tag, _ in reader.elements}
    assert reader.named("html") == [{"lang": "en"}]
    levels = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_nothing_is_loaded(page, reader):
    for tag, attributes in reader.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)
    assert not re.search(r"@import|url\((?!#)", page)
    assert len(page.encode()) < 5e6


def test_the_same_tables_give_the_same_page(page, tmp_path):
    again = render(make_material(tmp_path / "results"))
    # The folder is told in the commands that make what is missing; chunks tell when they were made.
    clean = re.compile(r"\S*/results|\d{4}-\d\d-\d\dT[0-9:+]*")
    assert clean.sub("", again) == clean.sub("", page)


def test_text_is_escaped(material):
    nasty = '<script>alert("1")</script> & </title><img src=x>'
    (first, *others) = material.judgements
    claim = dataclasses.replace(first.claim, statement=nasty, prediction=nasty)
    named = dataclasses.replace(material, results=nasty, judgements=(dataclasses.replace(first, claim=claim), *others))
    found = render(named)
    assert "<script>alert" not in found
    assert not Reader(found).named("img")
    assert nasty in Reader(found).texts["claims"]


def test_a_folder_without_tables(tmp_path):
    found = gather(Store(tmp_path), "cpu")
    assert {judgement.verdict for judgement in found.judgements} == {Verdict.NO_DATA}
    assert {exhibit.state for exhibit in found.exhibits} == {State.MISSING}
    Reader(render(found))


def test_the_command_writes_a_page_and_opens_it_only_if_asked(tmp_path, monkeypatch):
    opened, out = [], tmp_path / "new" / "page.html"
    monkeypatch.setattr("webbrowser.open", opened.append)
    arguments = ["report", "--preset", "smoke", "--results", str(tmp_path / "none"), "--out", str(out)]
    done = CliRunner().invoke(cli.app, arguments)
    assert (done.exit_code, done.stdout.strip(), opened) == (0, str(out), [])
    assert "claims: 0 HOLDS" in done.stderr
    first = out.read_bytes()
    Reader(first.decode())
    assert CliRunner().invoke(cli.app, [*arguments, "--open"]).exit_code == 0
    assert opened == [out.as_uri()]
    assert out.read_bytes() == first
    wrong = CliRunner().invoke(cli.app, [*arguments, "--preset", "cpuu"])
    assert wrong.exit_code == 2
    assert "did you mean 'cpu'?" in wrong.stderr


def luminance(color):
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2's ratio."""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_both_themes():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    colors = {name: pair for name, *pair in re.findall(r"--([a-z-]+): light-dark\((#\w{6}), (#\w{6})\)", STYLE)}
    # Every colour of text, and of edges that show where a control is.
    texts = set(re.findall(r"(?:[^-]color|fill): var\(--([a-z-]+)\)", STYLE)) - {"allowed"}
    assert {"ink", "soft", "accent", "holds", "refuted", "undecided"} <= texts
    for theme in (0, 1):
        for ground in ("page", "card"):
            for text in texts:
                assert contrast(colors[text][theme], colors[ground][theme]) >= 4.5, (text, ground, theme)
            assert contrast(colors["edge"][theme], colors[ground][theme]) >= 3
        for mark in ("holds", "undecided", "refuted", "no-data", "ink"):
            assert contrast(colors[mark][theme], colors["allowed"][theme]) >= 3


@pytest.mark.parametrize("name", CLAIMS)
def test_every_rule_can_be_read(name):
    reading = read(CLAIMS[name].rule)
    assert reading.bounds
    assert reading.low <= reading.high


@pytest.mark.parametrize("rule", [Inside(low=0.9), Inside(high=0.5), Inside(1.0, 2.0), Inside(1.0, 1.0)])
def test_words_of_a_rule_are_those_of_its_verdict(rule):
    reading = read(rule)
    for bound in reading.bounds:
        assert f"{bound:g}" in reading.holds
    # Where the strip shades, the rule says HOLDS.
    for value in (0.4, 0.5, 0.9, 1.0, 1.5, 2.5):
        holds = rule.judge(Evidence(value, value, value, 1)) is Verdict.HOLDS
        assert holds == (reading.low <= value <= reading.high)


def test_a_rule_without_words_says_where_they_belong():
    class Other(AbstractRule):
        def judge(self, evidence):
            return Verdict.HOLDS

    with pytest.raises(TypeError, match=r"class Other.*rules\.py"):
        read(Other())


@pytest.mark.parametrize(
    ("rule", "numbers"),
    [
        (Inside(low=0.9), (1.0, 0.91, 1.0)),
        (Inside(high=1e-8), (1e-14, 1e-14, 1e-14)),
        (Inside(1.0, 2.0), (1.5, -math.inf, math.inf)),
        (Attains(1.0, 1.05), (1.02, 0.99, 1.04)),
        (Inside(low=1.0), (1.0, 1.0, 1.0)),
        (Inside(low=0.0), (0.0, 0.0, 0.0)),
    ],
)
def test_places_on_the_strip_keep_the_order_of_the_numbers(rule, numbers):
    evidence = Evidence(*numbers, count=1)
    found = strip(evidence, read(rule))
    known = list(zip((evidence.value, evidence.low, evidence.high), (found.value, found.low, found.high), strict=True))
    known += list(zip(read(rule).bounds, (mark.place for mark in found.marks), strict=True))
    for (one, place), (other, there) in itertools.combinations(known, 2):
        assert (one < other) == (place < there)
        assert (one == other) == (place == there)
    for number, place in known:
        assert 0 < place < 1 if math.isfinite(number) else place in (0, 1)
    assert (found.open_low, found.open_high) == (math.isinf(evidence.low), math.isinf(evidence.high))
    assert found.logarithmic == (rule == Inside(high=1e-8))


DOCUMENT = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" height="9pt"
 viewBox="0 0 9 9">
 <metadata>when and by whom</metadata>
 <defs><style>*{stroke: red}</style><path id="mark" d="M 0.123456 -1.987654" transform="scale(0.015625)"/></defs>
 <g id="unused" style="fill: #abcdef; stroke: url(#mark)" clip-path="url(#mark)">
 <use xlink:href="#mark" x="1.23456"/></g>
</svg>"""


def test_a_drawing_keeps_to_itself():
    found = ElementTree.fromstring(inline(DOCUMENT, "one", "a < b"))
    assert found.attrib["aria-label"] == "a < b"
    assert "width" not in found.attrib
    assert [element.attrib["id"] for element in found.iter() if "id" in element.attrib] == ["one-mark"]
    assert found.find("g").attrib == {"style": "fill: #abcdef; stroke: url(#one-mark)", "clip-path": "url(#one-mark)"}
    assert found.find("g/use").attrib == {"href": "#one-mark", "x": "1.23"}
    # Factors are not rounded, places are.
    assert found.find("defs/path").attrib["transform"] == "scale(0.015625)"
    assert found.find("defs/path").attrib["d"] == "M 0.12 -1.98"
    assert found.find("metadata") is None
    assert found.find("defs/style") is None
    with pytest.raises(ValueError, match="one is not an SVG document"):
        inline("<svg>", "one", "")

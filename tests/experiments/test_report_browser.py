"""The report in a browser, and the page of a fit: filters, themes, zoom by mouse and keyboard, a narrow screen."""

import contextlib
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import colora_theory as ct
from colora_theory.experiments import fitting
from colora_theory.experiments.own_data import arrange
from colora_theory.experiments.report.page import render
from tests.experiments.report_material import make_material

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the extra [browser]")


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        pytest.skip("no chromium was found")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    path = root / "report.html"
    path.write_text(render(make_material(root / "results")), encoding="utf-8")
    return path.as_uri()


@contextlib.contextmanager
def opened(browser, address):
    """A page in a window of its own; neither errors nor requests may come of it."""
    troubles, requests = [], []
    context = browser.new_context(
        viewport={"width": 1200, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    found = context.new_page()
    found.set_default_timeout(5_000)
    found.on("console", lambda message: troubles.append(message.text))
    found.on("pageerror", lambda error: troubles.append(str(error)))
    found.on("request", lambda request: requests.append(request.url))
    found.goto(address)
    yield found
    assert not troubles
    assert {url.partition("#")[0] for url in requests if not url.startswith("data:")} == {address}
    context.close()


@pytest.fixture
def sheet(browser, address):
    with opened(browser, address) as found:
        yield found


def shown(sheet, selector):
    return sheet.locator(f"{selector}:visible").count()


def test_filters_and_search(sheet):
    total = shown(sheet, ".claim")
    refuted = sheet.locator('.claim[data-verdict="REFUTED"]').count()
    sheet.get_by_label("Verdict", exact=True).select_option("REFUTED")
    assert shown(sheet, ".claim") == refuted < total
    assert f"{refuted} of {total} claims" in sheet.locator("#found").inner_text()
    sheet.get_by_label("Claimed by", exact=True).select_option("abstract")
    assert 0 < shown(sheet, ".claim") < refuted
    sheet.get_by_role("button", name="Clear", exact=True).click()
    sheet.wait_for_function(f"document.querySelectorAll('.claim:not([hidden])').length === {total}")
    sheet.get_by_label("Sweep", exact=True).select_option("newcomer")
    assert shown(sheet, ".exhibit") == 1
    sheet.get_by_label("Sweep", exact=True).select_option("")
    sheet.get_by_label("Search", exact=True).fill("GROUND alternating truth")
    assert 0 < shown(sheet, ".claim") < total
    sheet.get_by_label("Search", exact=True).fill("no such word")
    assert shown(sheet, ".claim") == 0
    assert sheet.get_by_text("No claim fits").is_visible()


def test_a_link_to_what_is_filtered_out_shows_it(sheet):
    sheet.get_by_label("Search", exact=True).fill("no such word")
    sheet.evaluate("location.hash = 'claim-recovery'")
    sheet.wait_for_selector("#claim-recovery:visible")
    sheet.evaluate("location.hash = 'table-newcomer'")
    sheet.wait_for_selector("#table-newcomer[open]")


def test_the_theme_is_remembered(sheet):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = sheet.evaluate(ground)
    sheet.get_by_role("button", name="Dark", exact=True).click()
    dark = sheet.evaluate(ground)
    assert dark != light
    sheet.reload()
    assert sheet.evaluate(ground) == dark
    assert sheet.get_by_role("button", name="Dark", exact=True).get_attribute("aria-pressed") == "true"
    sheet.get_by_role("button", name="Dark", exact=True).click()
    assert sheet.evaluate(ground) == light
    sheet.evaluate("localStorage.clear()")
    sheet.reload()
    sheet.emulate_media(color_scheme="dark")
    assert sheet.evaluate(ground) == dark
    sheet.emulate_media(media="print")
    assert sheet.evaluate(ground) == "rgb(255, 255, 255)"


def test_zoom_by_keyboard_mouse_and_button(sheet):
    paper = sheet.locator(".paper").first
    box = lambda: [float(number) for number in paper.locator("svg").get_attribute("viewBox").split()]  # noqa: E731
    whole = box()
    paper.focus()
    sheet.keyboard.press("+")
    zoomed = box()
    assert zoomed[2] == pytest.approx(whole[2] / 1.4)
    sheet.keyboard.press("ArrowRight")
    assert box()[0] > zoomed[0]
    assert box()[1:] == zoomed[1:]
    for _ in range(30):
        sheet.keyboard.press("ArrowRight")
    assert box()[0] + box()[2] == pytest.approx(whole[0] + whole[2])
    sheet.keyboard.press("0")
    assert box() == whole
    place = paper.bounding_box()
    middle = place["x"] + place["width"] / 2, place["y"] + 100
    sheet.mouse.move(*middle)
    sheet.keyboard.down("Control")
    sheet.mouse.wheel(0, -300)
    sheet.keyboard.up("Control")
    sheet.wait_for_selector(".paper.zoomed")
    before = box()
    assert before[2] < whole[2]
    sheet.mouse.move(*middle)
    sheet.mouse.down()
    sheet.mouse.move(middle[0] - 120, middle[1])
    sheet.mouse.up()
    assert box()[0] > before[0]
    sheet.get_by_role("button", name="Reset the zoom").first.click()
    assert box() == whole


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(sheet, scheme, tmp_path):
    sheet.emulate_media(color_scheme=scheme)
    for width in (360, 1200):
        sheet.set_viewport_size({"width": width, "height": 780})
        sheet.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        assert sheet.evaluate("document.documentElement.scrollWidth") <= width
        picture = tmp_path / f"{scheme}-{width}.png"
        sheet.screenshot(path=picture)
        assert picture.stat().st_size > 5_000


def test_the_page_of_a_fit(browser, tmp_path):
    """As `colora fit --out` writes it, of users with long names; the last one has too few samples for an error."""
    names = ["a clinic with a rather long name", "<b>bold</b>", "3", "few"]
    truth = ct.TaskFamily(4, 6, 5, 2).sample_truth(jax.random.key(0))
    rng = np.random.default_rng(0)
    user = np.repeat(names, [30, 25, 40, 2])
    matrices = rng.standard_normal((len(user), 6, 5))
    data = arrange(tmp_path / "data.npz", {"user": user, "A": matrices, "y": rng.standard_normal(len(user))})
    numbers = (jnp.asarray(each) for each in (int(ct.Status.CONVERGED), 3, 0.1, 0.0))
    solution = ct.Solution(truth, *numbers, None)
    accuracy = ct.Accuracy.of(data.problem(), solution)
    fitted = fitting.Fitted(data, solution, accuracy, ("a note of <some> length " * 9, *accuracy.doubts))
    address = fitting.write(fitted, tmp_path / "out")[2].as_uri()
    with opened(browser, address) as page:
        for scheme, width in (("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 780})
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("figure svg:visible").count() == 1
            picture = tmp_path / f"fit-{scheme}-{width}.png"
            page.screenshot(path=picture, full_page=True)
            assert picture.stat().st_size > 5_000
        cells = page.locator("table").nth(1).locator("tr td:first-child").all_inner_texts()
        assert sorted(cells) == sorted(names)
        assert page.locator("b").count() == 0


def test_everything_is_told_without_a_script(browser, address):
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(address)
    assert found.locator(".claim:visible").count() == found.locator(".claim").count() > 0
    assert found.locator(".filters:visible, .tools:visible, #theme:visible").count() == 0
    context.close()

"""Opens every page of the built site in a headless Chromium, as on a desk and as on a phone.

`python -m website.browser site [--shots FOLDER]` needs playwright-python and a Chromium (`--chromium PATH`). It fails
if a page writes an error to the console, asks for anything that is not in the site, is wider than the window, or shows
mathematics that was not turned into MathML.
"""

import argparse
import contextlib
import functools
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WINDOWS = {"desktop": (1280, 900), "phone": (390, 844)}
# What stands in a text where a formula was left as it was typed.
_RAW = r"() => [...document.querySelectorAll('article p, article li, article td')].map(e => e.innerText)" + (
    r".filter(t => /\\\(|\\\[|\\(frac|top|sum|langle|dots)|\$[^$ ][^$]*\$/.test(t)).slice(0, 3)"
)
_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@contextlib.contextmanager
def served(site: Path) -> Iterator[str]:
    """The address of the site, on a free port of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def faults_of(page: Page, address: str) -> list[str]:
    """What is wrong with a page, in words."""
    faults: list[str] = []
    page.on("console", lambda message: faults.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("requestfailed", lambda request: faults.append(f"not there: {request.url}"))
    page.on("request", lambda request: faults.append(f"elsewhere: {request.url}") if _elsewhere(request.url) else None)
    page.goto(address, wait_until="networkidle")
    faults += [f"mathematics as typed: {text[:120]}" for text in page.evaluate(_RAW)]
    excess = page.evaluate(_WIDE)
    return [*faults, f"{excess} dots wider than the window"] if excess > 0 else faults


def _elsewhere(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))


def check(site: Path, chromium: str, shots: Path | None = None) -> dict[str, list[str]]:
    """The faults of every page in every window; pages without one are left out."""
    pages = sorted(path.relative_to(site) for path in site.rglob("*.html"))
    found = {}
    with served(site) as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for window, (width, height) in WINDOWS.items():
            context = browser.new_context(viewport={"width": width, "height": height})
            for path in pages:
                page = context.new_page()
                faults = faults_of(page, root + path.as_posix())
                if faults:
                    found[f"{path} ({window})"] = faults
                if shots is not None:
                    shots.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=shots / f"{path.as_posix().replace('/', '_')}.{window}.png")
                page.close()
        browser.close()
    return found


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="the built site")
    parser.add_argument("--chromium", default="/usr/bin/chromium", help="the browser")
    parser.add_argument("--shots", type=Path, help="folder for a picture of every page")
    arguments = parser.parse_args()
    found = check(arguments.site, arguments.chromium, arguments.shots)
    for page, faults in found.items():
        print(page, *faults, sep="\n  ")
    print("no page has a fault" if not found else f"{len(found)} pages with faults")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

"""All that stored tables say, on one page: report."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from colora_theory.experiments.commands.options import RESULTS, AsJson, Preset, Results
from colora_theory.experiments.commands.speech import print_json, say

PAGE = Path("report.html")


def report(
    preset: Preset = "cpu",
    results: Results = RESULTS,
    out: Annotated[Path, typer.Option("--out", help="The file.")] = PAGE,
    browse: Annotated[bool, typer.Option("--open/--no-open", help="Show it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write every claim with its verdict, every figure and where each table comes from as one HTML page.

    The page loads nothing, so it can be sent as it is. What has no table is shown as such: the exit code says nothing
    of the verdicts, that of colora verify does.
    """
    told = write_report(preset, results, out)
    if as_json:
        print_json(told)
    else:
        typer.echo(out)
    if browse:
        import webbrowser

        webbrowser.open(out.resolve().as_uri())


def write_report(preset: str, results: Path, out: Path) -> dict[str, Any]:
    """Write the page, and say so: where it is, its size, how many claims met which verdict, and the seconds."""
    from colora_theory.experiments.claims.verify import summary
    from colora_theory.experiments.files import put
    from colora_theory.experiments.report.material import counts, gather
    from colora_theory.experiments.report.page import render
    from colora_theory.experiments.store import Store

    began = time.monotonic()
    material = gather(Store(results), preset)
    content = render(material).encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    put(out, content)
    say(f"report ({preset}): {summary(material.judgements)}")
    told = {"preset": preset, "page": out, "bytes": len(content), "verdicts": counts(material.judgements)}
    seconds = time.monotonic() - began
    say(f"page {out}: written in {seconds:.1f} s, {len(content) / 1e6:.1f} MB")
    return told | {"seconds": seconds}

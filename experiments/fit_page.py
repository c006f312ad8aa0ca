"""A fit as one HTML page that needs nothing beside it."""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #c8c8c8; --quiet: #595959; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181b; --line: #44474c; --quiet: #a9adb3; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
figure { margin: 1.5rem 0; background: #ffffff; padding: .5rem; border-radius: 4px; overflow-x: auto; }
figure svg { width: 100%; height: auto; min-width: 34rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child, .words { text-align: left; }
h1, li { overflow-wrap: anywhere; }
.quiet { color: var(--quiet); font-size: .9rem; }
"""
_EXPLAINED = (
    "The error of a user is the Cramer-Rao bound at this fit, with the noise that its residuals tell: what least "
    "squares is expected to reach if the model holds and the noise is independent and alike everywhere. Its interval "
    "is that of the noise, at 90%; a wrong rank is not in it."
)
_PICTURED = (
    "Upper left: estimated relative error of every user, with the 90% interval of the noise. Lower left: measurements "
    "of every user; dotted: degrees of freedom per user, below which counting says that many weights fit. Right: "
    "singular values of all cores side by side and on top of each other, the strength of each shared direction."
)


def fit_page(summary: Mapping[str, Any], picture: str) -> str:
    """The page.

    Args:
        summary: see `fitting.summary`.
        picture: an SVG document.
    """
    size = f"{summary['num_rows']} x {summary['num_cols']}"
    title = f"Fit of {summary['data']}"
    facts = {
        "data": f"{summary['kind']}, {summary['num_users']} users, weights of {size}",
        "rank": ", ".join(map(str, summary["rank"])) + ("" if summary["rank_selection"] is None else " (chosen)"),
        "status": f"{summary['status']} after {summary['num_steps']} steps",
        "N / DoF": f"{summary['measurements']} / {summary['degrees_of_freedom']} = {_number(summary['oversampling'])}",
        "noise": _number(summary["noise"]),
        "relative residual": _number(summary["relative_residual"]),
        "version": f"colora_theory {summary['version']}",
    }
    limits = [f"{name}: {why}" for name, why in summary["limits"].items()]
    parts = [
        f"<h1>{_text(title)}</h1>",
        _table(("", ""), list(facts.items()), head=False),
        _list("Notes", summary["notes"]),
        f'<figure role="img" aria-label="{_text(_PICTURED)}">{picture[picture.index("<svg") :]}</figure>',
        f'<p class="quiet">{_text(_PICTURED)}</p>',
        "<h2>Users</h2>",
        _users(summary["users"]),
        f'<p class="quiet">{_text(_EXPLAINED)}</p>',
        _list("What limits the accuracy", limits),
        _candidates(summary["rank_selection"]),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{_text(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n</body>\n</html>\n"
    )


def _users(users: Sequence[Mapping[str, Any]]) -> str:
    heads = ("user", "samples", "residual rms", "error of W_i", "relative", "90% interval", "limited by")
    rows = []
    for user in users:
        ends = user["relative_error_lower"], user["relative_error_upper"]
        interval = "-" if None in ends else f"{_number(ends[0])} to {_number(ends[1])}"
        numbers = [_number(user[name]) for name in ("residual_rms", "estimated_error", "estimated_relative_error")]
        rows.append((user["user"], str(user["samples"]), *numbers, interval, user["limited_by"]))
    return _table(heads, rows)


def _candidates(selection: Mapping[str, Any] | None) -> str:
    if selection is None:
        return ""
    heads = ("rank", "DoF", "criterion", "held-out error", "standard error of the difference to the best")
    rows = [
        (
            ", ".join(map(str, each["rank"])),
            str(each["degrees_of_freedom"]),
            f"{each['criterion']:.1f}",
            _number(each["held_out_error"]),
            _number(each["standard_error"]),
        )
        for each in selection["candidates"]
    ]
    return "<h2>Ranks that were tried</h2>\n" + _table(heads, rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], head: bool = True) -> str:
    top = "<tr>" + "".join(f'<th scope="col">{_text(each)}</th>' for each in heads) + "</tr>" if head else ""
    kind = "" if head else ' class="words"'
    body = "".join("<tr>" + "".join(f"<td{kind}>{_text(each)}</td>" for each in row) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table>{top}\n{body}</table></div>'


def _list(head: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"<h2>{_text(head)}</h2>\n<ul>" + "".join(f"<li>{_text(each)}</li>" for each in items) + "</ul>"


def _text(value: Any) -> str:
    return html.escape(str(value))


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.3g}"

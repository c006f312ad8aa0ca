"""What a figure shows, in words for those who do not see it."""

import re
from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

# Commands of TeX whose sense would be lost with the backslash.
_WORDS = (
    (r"\\hat\{([^}]*)\}", r"estimated \1"),
    (r"\\(?:Vert|\|)", "|"),
    (r"\\(?:bf|rm|it|mathrm|mathbf)\b", ""),
    (r"\\(?:times)\b", "x"),
    (r"\\,|\\;|\\ ", " "),
    (r"[${}\\]", ""),
    (r"\s+", " "),
)


def describe(figure: Figure) -> str:
    """Its panels with their axes and the series of its legends, in sentences."""
    panels = [text for axes in figure.axes if (text := _panel(axes))]
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    series = dict.fromkeys(name for legend in legends if legend is not None for name in _entries(legend))
    sentences = [*panels, *([f"Series: {', '.join(series)}."] if series else [])]
    return " ".join(sentences)


def plain(text: str) -> str:
    """A label without its mathematical markup."""
    for pattern, replacement in _WORDS:
        text = re.sub(pattern, replacement, text)
    return text.strip()


def _panel(axes: Axes) -> str:
    title = plain(axes.get_title(loc="left") or axes.get_title())
    labels = [plain(axes.get_xlabel()), plain(axes.get_ylabel())]
    across = ", ".join(f"{way}: {label}" for way, label in zip(("across", "up"), labels, strict=True) if label)
    said = ", ".join(part for part in (title, across) if part)
    return f"Panel {said}." if said else ""


def _entries(legend: Legend) -> Iterable[str]:
    return (name for text in legend.get_texts() if (name := plain(text.get_text())))

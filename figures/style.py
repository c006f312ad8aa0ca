"""How every figure looks: sizes, colours that survive grey, axes, captions, files."""

import dataclasses
import io
import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib import style as matplotlib_style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

WIDTH = 6.75  # inches, of a page of two columns
_STYLE = Path(__file__).with_name("paper.mplstyle")
_CAPTION_SIZE = 7.0  # points
_CAPTION_LEADING = 1.25
_POINTS = 72.0  # per inch
_MARGIN = 0.07  # inches

# Written out, since they look like Latin letters in a source.
SIGMA, TIMES = "\N{GREEK SMALL LETTER SIGMA}", "\N{MULTIPLICATION SIGN}"

# Okabe and Ito's colours, those whose luminances differ (black 0, blue .4, vermillion .5, orange .7).
# Their green is as light as vermillion; darkened it stands between black and blue.
BLACK, GREEN, BLUE, VERMILLION, ORANGE, GREY = "#000000", "#00583F", "#0072B2", "#D55E00", "#E69F00", "#8C8C8C"


@dataclasses.dataclass(frozen=True)
class Look:
    """How a series is told from the others: by colour, by marker and by line, so that grey is enough."""

    color: Any
    marker: str
    linestyle: Any

    @property
    def line(self) -> dict[str, Any]:
        """Keywords of a line with markers."""
        # A white rim keeps the markers of crossing series apart.
        return {**dataclasses.asdict(self), "markeredgecolor": "white"}

    @property
    def plain(self) -> dict[str, Any]:
        """Keywords of a line without markers."""
        return {"color": self.color, "linestyle": self.linestyle}


_DASH, _DASH_DOT, _DOT = (0, (5, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1.2))

LOOKS: Mapping[str, Look] = {
    "alternating": Look(BLUE, "o", "-"),
    "alone": Look(VERMILLION, "s", _DASH),
    "pooled": Look(ORANGE, "^", _DASH_DOT),
    "oracle": Look(BLACK, "D", _DOT),
    "gradient_descent": Look(ORANGE, "^", _DASH_DOT),
    "altgdmin": Look(VERMILLION, "s", _DASH),
    "factored_lbfgs": Look(GREY, "v", _DASH),
    "variable_projection": Look(BLACK, "D", _DOT),
    "annealed": Look(ORANGE, "^", _DASH_DOT),
    "auto": Look(GREEN, "P", "-"),
    "empirical_bayes": Look(VERMILLION, "s", _DASH),
    "stacked": Look(BLUE, "o", "-"),
    "random": Look(BLACK, "D", _DOT),
}

# In comparisons of estimators; alternating minimization is how all users together are fitted.
LABELS: Mapping[str, str] = {
    "alternating": "together",
    "alone": "each user alone",
    "pooled": "one pooled adapter",
    "oracle": "oracle subspaces",
}


def sequence(length: int) -> list[Look]:
    """Looks for an ordered family of curves, from dark to light."""
    # Cividis is made for colour-blind eyes and rises evenly in luminance; its light end vanishes on paper.
    shades = matplotlib.colormaps["cividis"]([0.82 * index / max(1, length - 1) for index in range(length)])
    markers, lines = itertools.cycle("oDv^P<X>"), itertools.cycle(["-", _DASH_DOT, _DASH, (0, (3, 1))])
    return [Look(tuple(shade), marker, line) for shade, marker, line in zip(shades, markers, lines, strict=False)]


@contextmanager
def paper_style() -> Iterator[None]:
    """The style within the block, whatever the user's own settings are; they return afterwards."""
    with matplotlib_style.context(["default", _STYLE]):
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure that no window system and no global list knows of; sizes in inches."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def title(axes: Axes, letter: str, text: str) -> None:
    """The letter and the name of a panel."""
    axes.set_title(f"$\\bf{{({letter})}}$ {text}")


def plain_log(axes: Axes, which: Literal["x", "y"], ticks: Sequence[float] | None = None) -> None:
    """A logarithmic scale labelled 10, 20, 50, or at `ticks` only."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)) if ticks is None else FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    if ticks is not None:
        axis.set_minor_locator(NullLocator())


def legend_beside(axes: Axes, **keywords: Any) -> None:
    """A legend to the right of the axes, where it covers nothing."""
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), **keywords)


def legend_above(axes: Axes) -> None:
    """A legend in one line with the title, where it covers nothing."""
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=max(1, len(labels)), borderpad=0)


def nothing_to_show(axes: Axes, what: str) -> None:
    """Say in an empty panel that the table has nothing for it."""
    axes.text(0.5, 0.5, f"the table has no {what}", transform=axes.transAxes, ha="center", va="center", color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])


def add_caption(figure: Figure, text: str) -> None:
    """Set `text` in full lines below the axes; the figure grows by what they need, the axes stay as they are."""
    lines = _wrapped(text, figure.get_figwidth() - 2 * _MARGIN)
    old = figure.get_figheight()
    height = len(lines) * _CAPTION_SIZE * _CAPTION_LEADING / _POINTS + 2 * _MARGIN
    new = old + height
    figure.set_figheight(new)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0.0, height / new, 1.0, old / new))  # type: ignore[call-arg]
    figure.text(
        _MARGIN / figure.get_figwidth(),
        (height - _MARGIN) / new,
        "\n".join(lines),
        size=_CAPTION_SIZE,
        linespacing=_CAPTION_LEADING,
        va="top",
        parse_math=False,
    )


def save(figure: Figure, caption: str, out: Path, name: str, source: str) -> list[Path]:
    """Write NAME.pdf, NAME.png and the caption as NAME.txt into `out`; the same table gives the same bytes.

    Args:
        figure: what is drawn, with its caption.
        caption: the text of the caption.
        out: a folder, made if it is not there.
        name: name of the files.
        source: the table that is shown, for the metadata.

    Returns:
        The files.
    """
    out.mkdir(parents=True, exist_ok=True)
    pdf, png, txt = (out / f"{name}.{suffix}" for suffix in ("pdf", "png", "txt"))
    figure.savefig(pdf, metadata={"CreationDate": None, "Title": name, "Subject": source})
    figure.savefig(png, metadata={"Title": name, "Description": source})
    txt.write_text(textwrap.fill(caption, 100, break_on_hyphens=False) + "\n", encoding="utf-8")
    figure.clear()
    return [pdf, png, txt]


def svg(figure: Figure, name: str) -> str:
    """The figure as an SVG document; the same table gives the same text.

    Letters are drawn as outlines: the fonts of the style are on few machines, and in others labels would collide.

    Args:
        figure: what is drawn, without a caption.
        name: name of the figure, from which the document's ids are made.
    """
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    figure.clear()
    return text.getvalue()


def _wrapped(text: str, width: float) -> list[str]:
    font, lines = FontProperties(size=_CAPTION_SIZE), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        extent, _, _ = text_to_path.get_text_width_height_descent(longer, font, ismath=False)
        # Hinted glyphs on pixels run a little wider than the outlines measured here.
        if lines[-1] and extent * 1.04 > width * _POINTS:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines

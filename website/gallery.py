"""Writes docs/gallery.md and its pictures: every figure with the command behind it, its claim and its caption.

`python -m website.gallery FIGURES` takes what `colora figures` has drawn into the folder FIGURES.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from colora_theory.experiments.gallery import figure_modules
from colora_theory.experiments.sweeps import SWEEPS

DOCS = Path(__file__).parent.parent / "docs"
LARGEST = 80_000  # bytes of a picture in the repository
_HEAD = """# Gallery

Every figure with the command that makes its table (`make reproduce` runs all of them), the claim that it tests, and the
caption as it was drawn beside it. Tables, pictures and captions are those of runs with the preset `cpu` on two cores of
a Xeon, 22 and 23 November 2026, with the code of those days: numbers in the captions are measured, curves called laws
are formulas. Drawn again from a stored table by `colora figures NAME`.
"""


def page(captions: Mapping[str, str]) -> str:
    """The page of the figures that have a caption, in the order of the sweeps.

    Args:
        captions: by name of the figure.
    """
    modules = figure_modules()
    order = list(SWEEPS)
    names = sorted(captions, key=lambda name: (order.index(modules[name].SWEEP), name))
    return _HEAD + "".join(_entry(name, modules[name].SWEEP, captions[name]) for name in names)


def _entry(name: str, sweep: str, caption: str) -> str:
    text = " ".join(caption.split())
    return f"""
## {name}

![{text.split(". ")[0]}](figures/{name}.png)

`colora run {sweep} --preset cpu`, then `colora figures {name}`

**Claim.** {SWEEPS[sweep].claim} **Refuted if:** {SWEEPS[sweep].refuted_if}

*Caption.* {text}
"""


def shrink(source: Path, target: Path) -> None:
    """Write a picture with as many colours, of at most 32, as keep it below `LARGEST` bytes.

    Raises:
        ValueError: If 8 are still too many.
    """
    whole = Image.open(source).convert("RGB")
    for colours in (32, 24, 16, 8):
        whole.quantize(colours, dither=Image.Dither.NONE).save(target, "PNG", optimize=True)
        if target.stat().st_size < LARGEST:
            return
    raise ValueError(f"{source} needs more than {LARGEST} bytes even with 8 colours: draw it smaller")


def stored_captions(folder: Path) -> dict[str, str]:
    """The captions of the figures in a folder, by name."""
    return {path.stem: path.read_text() for path in sorted(folder.glob("*.txt"))}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, help="folder into which colora figures has drawn")
    drawn = parser.parse_args().figures
    for name in stored_captions(drawn).keys() & figure_modules().keys():
        shrink(drawn / f"{name}.png", DOCS / "figures" / f"{name}.png")
        (DOCS / "figures" / f"{name}.txt").write_text((drawn / f"{name}.txt").read_text())
    (DOCS / "gallery.md").write_text(page(stored_captions(DOCS / "figures")))


if __name__ == "__main__":
    main()

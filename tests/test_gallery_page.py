"""The gallery page is what its generator makes of the stored captions, and its pictures are small."""

from colora_theory.experiments.gallery import figure_modules
from website.gallery import DOCS, LARGEST, page, stored_captions


def test_every_figure_has_a_small_picture_and_a_caption():
    pictures = {path.stem: path.stat().st_size for path in (DOCS / "figures").glob("*.png")}
    assert set(pictures) == set(stored_captions(DOCS / "figures")) == set(figure_modules())
    assert max(pictures.values()) < LARGEST


def test_the_page_is_that_of_its_generator():
    """Otherwise: python -m website.gallery figures/out."""
    assert (DOCS / "gallery.md").read_text() == page(stored_captions(DOCS / "figures"))

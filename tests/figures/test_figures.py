"""Every figure script: files, captions, honest layout, tables that lack something."""

import itertools
import re

import matplotlib
import pytest
from matplotlib.text import Text

from colora_theory.experiments.errors import ColoraError
from colora_theory.experiments.sweeps import SWEEPS
from colora_theory.figures import style
from tests.figures.conftest import FIGURES, first_row, make_table, write_table


def arguments(results, out, preset="smoke"):
    return ["--results", str(results), "--preset", preset, "--out", str(out)]


def drawn(name, frame, preset="smoke"):
    figure, caption = FIGURES[name].draw(frame, preset)
    style.add_caption(figure, caption)
    figure.draw_without_rendering()
    return figure, caption


def words(figure):
    """Titles, labels and legends with the rectangles they cover; tick labels are left to matplotlib."""
    renderer = figure.canvas.get_renderer()
    artists = [text for text in figure.texts if text.get_text()]
    for axes in figure.axes:
        artists += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, axes.get_legend()]
    artists += figure.legends
    for artist in artists:
        if artist is not None and not (isinstance(artist, Text) and not artist.get_text()):
            yield artist, artist.get_window_extent(renderer)


def test_every_sweep_has_a_figure():
    assert {figure.SWEEP for figure in FIGURES.values()} == SWEEPS.keys()


def test_files_and_caption(name, smoke, tmp_path):
    write_table(tmp_path / "results", name, smoke)
    FIGURES[name].main(arguments(tmp_path / "results", tmp_path / "out"))
    written = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert written.keys() == {f"{name}.pdf", f"{name}.png", f"{name}.txt"}
    caption = " ".join(written[f"{name}.txt"].read_text(encoding="utf-8").split())
    assert "2 runs per" in caption
    assert "preset smoke" in caption
    assert "Claim:" in caption
    assert "10 to 90%" in caption or "Wilson" in caption


def test_the_same_table_gives_the_same_bytes(name, smoke, tmp_path):
    write_table(tmp_path / "results", name, smoke)
    for out in ("first", "second"):
        FIGURES[name].main(arguments(tmp_path / "results", tmp_path / out))
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes(), path.name


def test_failed_runs_are_counted_in_the_caption(name, smoke):
    key = "start" if name in ("similarity", "annealing") else "method"
    converged = smoke.assign(status_name="CONVERGED")
    first = first_row(converged)
    of = converged[converged[key] == converged.loc[first, key]]
    group = converged.loc[first, key].replace("_", " ")
    if name == "similarity":
        of = of[of["misalignment"].isna()]
    with style.paper_style():
        assert f"{group} 0 of {len(of)}" in FIGURES[name].draw(converged, "smoke")[1]
        converged.loc[first, "status_name"] = "STALLED"
        assert f"{group} 1 of {len(of)}" in FIGURES[name].draw(converged, "smoke")[1]


@pytest.mark.parametrize("preset", ["smoke", "cpu", "full"])
def test_nothing_is_clipped_and_nothing_overlaps(name, preset):
    with style.paper_style():
        figure, _ = drawn(name, make_table(name, preset), preset)
        placed = list(words(figure))
    for artist, box in placed:
        assert box.x0 >= -1, artist
        assert box.y0 >= -1, artist
        assert box.x1 <= figure.bbox.x1 + 1, artist
        assert box.y1 <= figure.bbox.y1 + 1, artist
    for (first, one), (second, other) in itertools.combinations(placed, 2):
        # Boxes of text reach a little beyond the ink.
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        along = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert across < 2 or along < 2, (first, second)


def test_a_missing_table_says_how_to_make_it(name, tmp_path):
    with pytest.raises(ColoraError, match=re.escape(f"colora run {FIGURES[name].SWEEP} --preset cpu")):
        FIGURES[name].main(arguments(tmp_path, tmp_path / "out", "cpu"))
    assert not (tmp_path / "out").exists()


def test_a_table_without_one_of_the_methods_is_drawn(name, smoke):
    with style.paper_style():
        for column in {"method", "start", "truth"} & set(smoke):
            for missing in smoke[column].unique():
                drawn(name, smoke[smoke[column] != missing])


def test_a_table_of_one_row_or_none_is_drawn(name, smoke):
    with style.paper_style():
        drawn(name, smoke.iloc[:0])
        drawn(name, smoke.iloc[:1])
        drawn(name, smoke.iloc[-1:])


def test_drawing_leaves_the_users_settings_alone(name, smoke, tmp_path):
    write_table(tmp_path / "results", name, smoke)
    with matplotlib.rc_context({"font.size": 31, "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        FIGURES[name].main(arguments(tmp_path / "results", tmp_path / "out"))
        assert dict(matplotlib.rcParams) == before

import pytest

from colora_theory.figures import style
from colora_theory.language.figures import FIGURES
from tests.language.tables import as_expected, table


@pytest.fixture(scope="module")
def frame():
    return table(as_expected, users=(4, 8, 16), seeds=3)


def drawn(name, frame):
    with style.paper_style():
        figure, caption = FIGURES[name](frame, "smoke")
        style.add_caption(figure, caption)
        figure.draw_without_rendering()
    return figure, caption


@pytest.mark.parametrize("name", FIGURES)
def test_a_caption_says_what_is_shown_and_how_often(name, frame):
    figure, caption = drawn(name, frame)
    assert "preset smoke" in caption
    assert "3 runs" in caption
    assert "two standard errors" in caption
    assert all(axes.get_xlabel() for axes in figure.axes)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("lacking", ["users", "groups", "methods", "seeds"])
def test_a_table_that_lacks_something_is_drawn(name, lacking, frame):
    rows = {
        "users": frame[frame["num_users"] == 4],
        "groups": frame[frame["group"] == "similar"],
        "methods": frame[frame["method"].isin(["colora", "alone", "heads", "linear_together", "linear_alone"])],
        "seeds": frame[frame["seed"] == 0],
    }[lacking]
    drawn(name, rows)


def test_the_bars_are_two_standard_errors(frame):
    figure, _ = drawn("language_scores", frame)
    container = figure.axes[0].containers[0]
    of = frame[(frame["group"] == "similar") & (frame["num_users"] == 16) & (frame["method"] == "colora")]
    at = of[of["num_samples"] == 10]["accuracy"]
    (_, low), (_, high) = container.lines[2][0].get_segments()[0]
    assert high - low == pytest.approx(4 * at.std() / 3**0.5)
    assert (high + low) / 2 == pytest.approx(at.mean())

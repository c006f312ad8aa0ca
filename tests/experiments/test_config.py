import math

import pytest
from pydantic import ValidationError

from colora_theory.experiments.config import Grid, load_config
from colora_theory.experiments.errors import ConfigError

GRID = {"num_users": "4", "num_rows": "20", "num_cols": "20", "rank": "2", "num_samples": "30"}


def write(tmp_path, grid=None, head='name = "mine"', **changes):
    """A file with one grid; an axis set to None is left out."""
    axes = (GRID if grid is None else grid) | changes
    lines = [head, "[[grid]]", *(f"{name} = {value}" for name, value in axes.items() if value is not None)]
    path = tmp_path / "sweep.toml"
    path.write_text("\n".join(lines))
    return path


def test_a_scalar_and_a_list_are_axes(tmp_path):
    (grid,) = load_config(write(tmp_path, similarity="[0, 0.5]")).grid
    assert grid.values("num_users") == [4]
    assert grid.values("similarity") == [0.0, 0.5]
    assert all(isinstance(value, float) for value in grid.values("similarity"))


@pytest.mark.parametrize(
    ("written", "ranks"),
    [("2", [(2, 2)]), ("[3, 2]", [(3, 2)]), ("[[3, 2]]", [(3, 2)]), ("[[1, 1], [3, 2]]", [(1, 1), (3, 2)])],
)
def test_rank_is_an_integer_a_pair_or_a_list_of_pairs(tmp_path, written, ranks):
    assert load_config(write(tmp_path, rank=written)).grid[0].ranks == ranks


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"similarity": "1.5"}, "grid 1: similarity 1.5 is outside [0, 1]"),
        ({"similarity": "nan"}, "grid 1: similarity nan is outside [0, 1]"),
        ({"misalignment": "[0.5, -0.1]"}, "grid 1: misalignment -0.1 is outside [0, 1]"),
        ({"condition_number": "0.5"}, "grid 1: condition_number 0.5 must be finite and at least 1"),
        ({"noise": "inf"}, "grid 1: noise inf must be finite and at least 0"),
        ({"num_users": "0"}, "grid 1: num_users 0 must be finite and at least 1"),
        ({"num_seeds": "0"}, "grid 1: num_seeds 0 must be finite and at least 1"),
        ({"rank": "30"}, "grid 1: rank 30 exceeds min(num_rows, num_cols) = 20"),
        ({"rank": "[9, 2]"}, "rank (9, 2) is more than 4 core(s) can span"),
        ({"rank": "[1, 2, 3]"}, "rank [1, 2, 3] is not a pair [left, right]; several ranks are a list of pairs"),
        ({"rank": "0"}, "rank (0, 0)"),
        ({"similarity": "[]"}, "grid 1: similarity is an empty list"),
        ({"num_samples": "[8, 8]"}, "grid 1: num_samples lists 8 twice"),
        ({"oversampling": "2.0"}, "give exactly one of num_samples and oversampling"),
        ({"num_samples": None}, "give exactly one of num_samples and oversampling"),
        ({"num_samples": None, "oversampling": "-1.0"}, "grid 1: oversampling -1.0 must be positive and finite"),
        ({"num_users": '"four"'}, "grid 1: num_users = 'four' does not fit; it is an integer"),
        ({"num_users": "4.5"}, "grid 1: num_users = 4.5 does not fit; it is an integer"),
        ({"num_seeds": "true"}, "grid 1: num_seeds = True does not fit; it is one integer"),
        ({"num_rows": None}, "grid 1: num_rows is missing; it is an integer"),
        ({"simlarity": "0.5"}, "grid 1: unknown key 'simlarity'; did you mean 'similarity'?"),
        ({"method": '"alternate"'}, "grid 1: unknown method 'alternate'; did you mean 'alternating'?"),
        ({"start": '["stacked", "poled"]'}, "grid 1: unknown start 'poled'; did you mean 'pooled'?"),
        ({"method": '"xyz"'}, "unknown method 'xyz'; known: alone, alternating,"),
        ({"design": '"gausian"'}, "grid 1: unknown design 'gausian'; did you mean 'gaussian'?"),
        ({"noise_kind": '"student"'}, "grid 1: unknown kind of noise 'student'; did you mean 'student_t'?"),
        (
            {"design": '["gaussian", "entries"]', "num_samples": "[40, 401]"},
            "grid 1: num_samples 401 exceeds the 400 that design 'entries' has for a user",
        ),
        ({"design": '"entries"', "num_samples": None, "oversampling": "20.0"}, "num_samples 440 exceeds the 400"),
        ({"predict": '["rates"]'}, "grid 1: unknown prediction 'rates'; did you mean 'rate'?"),
        ({"predict": '"rate"'}, "grid 1: predict = 'rate' does not fit; it is a list of names"),
        ({"predict": '["rate", "rate"]'}, "grid 1: predict lists rate twice"),
        (
            {"predict": '["transfer", "rate"]', "misalignment": "[0.0, 0.1]"},
            "grid 1: predict 'rate' needs shared subspaces, not those of misalignment 0.0",
        ),
        ({"head": 'nam = "mine"'}, "name is missing"),
        ({"head": 'name = "my sweep/"'}, "name = 'my sweep/' does not fit; it is at most 100 letters, digits, - and _"),
        ({"head": 'name = "mine"\nsed = 1'}, "unknown key 'sed'"),
    ],
)
def test_a_wrong_file_is_answered_in_one_line_with_the_place(tmp_path, changes, message):
    path = write(tmp_path, **changes)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    text = str(caught.value)
    assert message in text
    assert str(path) in text
    assert text.count("\n") == 0


def test_predictions_that_know_of_personal_subspaces_may_be_asked_for(tmp_path):
    (grid,) = load_config(write(tmp_path, predict='["transfer"]', misalignment="0.1")).grid
    assert grid.predict == ["transfer"]


def test_the_second_grid_is_named(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text() + "\n[[grid]]\nrank = 2\n")
    with pytest.raises(ConfigError, match="grid 2: num_users is missing"):
        load_config(path)


@pytest.mark.parametrize(("content", "message"), [(b"name = ", "not a TOML file"), (b"\xff\xfe", "not a TOML file")])
def test_what_is_not_toml_is_named(tmp_path, content, message):
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere\.toml: No such file"):
        load_config(tmp_path / "nowhere.toml")


def test_no_grid_at_all(tmp_path):
    path = tmp_path / "empty.toml"
    path.write_text('name = "mine"\ngrid = []')
    with pytest.raises(ConfigError, match=r"at least one \[\[grid\]\]"):
        load_config(path)


def test_grids_cannot_be_changed():
    grid = Grid(num_users=4, num_rows=5, num_cols=5, rank=1, num_samples=6)
    with pytest.raises(ValidationError):
        grid.noise = math.pi

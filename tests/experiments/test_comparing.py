"""Ranks as they are asked for, what is told of a comparison, and what cannot be compared or chosen."""

import io
import itertools
import json
import shlex

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from colora_theory import TaskFamily
from colora_theory.experiments import comparing, planning, ranks
from colora_theory.experiments.cli import app
from colora_theory.experiments.errors import ConfigError, StoreError
from colora_theory.experiments.own_data import arrange
from colora_theory.experiments.pictures import write_plan_picture
from colora_theory.selection import Candidate, Comparison, Gain, RankSelection

rng = np.random.default_rng(0)
A, Y = rng.standard_normal((3, 5, 4, 2)), rng.standard_normal((3, 5))
BAD_PLAN = shlex.split("--users 3 --rows 4 --cols 2 --rank 1 --target .1 --picture plan.gif")


def comparison(sign, of_users=(1, 1, 1)):
    """Made up: the first two methods of three in this order, by 30%."""
    gain, loss, none = Gain(0.3, 0.2, 0.4), Gain(-0.43, -0.67, -0.25), Gain(0.1, -0.2, 0.3)
    gains = {
        (new, old): {1: gain, -1: loss, 0: none}[sign(new, old)]
        for new, old in itertools.permutations(("shared", "alone", "pooled"), 2)
    }
    errors = {name: np.array([1.0, 2.0, 4.0]) for name in ("shared", "alone", "pooled", "frozen")}
    own = tuple({1: gain, -1: loss, 0: none}[each] for each in of_users)
    return Comparison((2, 1), errors, own, ("shared", "alone", "unclear"), gains, 4)


def order(*methods):
    return lambda new, old: 1 if methods.index(new) < methods.index(old) else -1


@pytest.mark.parametrize(
    ("text", "right", "expected"),
    [("3", None, (3, 3)), (" 3, 2", None, (3, 2)), ("3", 2, (3, 2)), ("auto", None, None), ("AUTO", None, None)],
)
def test_ranks_that_are_asked_for(text, right, expected):
    assert ranks.asked_rank(text, right) == expected


@pytest.mark.parametrize(("text", "right"), [("x", None), ("1,2,3", None), ("auto", 2), ("3,2", 2), ("-1", None)])
def test_ranks_that_are_none(text, right):
    with pytest.raises(ConfigError, match="rank '"):
        ranks.asked_rank(text, right)


@pytest.mark.parametrize(
    ("methods", "verdict", "begin"),
    [
        (
            ("shared", "alone", "pooled"),
            "shared",
            "Share: sharing lowers the held-out error of 3 of 3 users, on average by 30%",
        ),
        (("alone", "pooled", "shared"), "alone", "Do not share: alone the held-out error of 0 of 3 users is lower"),
        (
            ("pooled", "shared", "alone"),
            "pooled",
            "Use one model for all: it lowers the held-out error by 30% [20, 40]",
        ),
    ],
)
def test_the_answer_in_plain_words(methods, verdict, begin):
    found = comparison(order(*methods))
    assert found.verdict == verdict
    assert found.summary().startswith(begin)


def test_users_who_are_better_off_alone_are_named():
    found = comparison(order("shared", "alone", "pooled"), (1, -1, -1))
    assert found.summary(["a", "b", "c"]).endswith("; users b, c are better off alone")
    assert found.summary().startswith("Share: sharing lowers the held-out error of 1 of 3 users")


def test_no_verdict_without_a_clear_winner():
    found = comparison(
        lambda new, old: 0 if "alone" not in (new, old) else order("pooled", "shared", "alone")(new, old)
    )
    assert found.verdict == "unclear"
    assert found.summary().startswith("Unclear between shared subspaces and one model for all: sharing lowers")


def test_what_is_told_of_a_comparison(tmp_path):
    data = arrange(tmp_path / "data.npz", {"A": A, "y": Y})
    found = comparison(order("shared", "alone", "pooled"), (1, -1, 0))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(comparing.comparison_table(data, found))
    text = console.export_text()
    assert "30% [20, 40]" in text
    assert "1.41" in text
    path = comparing.write(data, found, tmp_path / "out")
    told = json.loads(path.read_text())
    assert told == comparing.comparison_summary(data, found)
    assert (told["verdict"], told["rank"], told["folds"]) == ("shared", [2, 1], 4)
    assert [row["verdict"] for row in told["users"]] == ["shared", "alone", "unclear"]
    assert [row["samples"] for row in told["users"]] == [5, 5, 5]
    assert told["users"][1]["gain_lower"] == -0.67
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        comparing.write(data, found, tmp_path / "file")


@pytest.mark.parametrize(
    ("arrays", "folds", "message"),
    [
        ({"A": A[:1], "y": Y[:1]}, 3, r"data\.npz: 1 user has nobody to share with"),
        ({"A": A, "y": Y}, 2, "folds 2 is below 3"),
        ({"A": A, "y": Y}, 9, "folds 9 exceeds the 5 samples of user 0"),
        ({"A": A, "y": np.full((3, 5), 7.0)}, 3, "all measurements are 7, and constants"),
        (
            {"user": np.array(["x"] * 5 + ["y"] * 2), "A": A.reshape(-1, 4, 2)[:7], "y": Y.ravel()[:7]},
            3,
            "samples of user y",
        ),
    ],
)
def test_what_cannot_be_compared(tmp_path, arrays, folds, message):
    with pytest.raises(ConfigError, match=message):
        comparing.compare_data(arrange(tmp_path / "data.npz", arrays), None, folds)


def test_no_rank_from_too_few_samples(tmp_path):
    with pytest.raises(ConfigError, match=r"folds 5 exceeds the 2 samples of user 0.*or give a rank: --rank R"):
        ranks.choose_rank(arrange(tmp_path / "data.npz", {"A": A[:, :2], "y": Y[:, :2]}))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("fit", "data.npz", "--rank", "2,2,2"), "rank '2,2,2' is neither an integer nor two"),
        (("compare", "data.npz", "--folds", "2"), "folds 2 is below 3"),
        (("compare", "data.npz", "--rank", "9", "--folds", "3"), "rank 9 exceeds min(num_rows, num_cols) = 2"),
        (("compare", "none.npz"), "none.npz"),
        (
            ("plan", *BAD_PLAN),
            "plan.gif is none of .png, .svg, .pdf",
        ),
    ],
)
def test_bad_commands_end_with_code_2(tmp_path, monkeypatch, command, message):
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", A=A, y=Y)
    result = CliRunner().invoke(app, list(command))
    assert result.exit_code == 2, result.output
    assert message in result.stderr.replace("\n", " ")


def test_the_compare_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", A=A, y=Y)
    found = comparison(order("shared", "alone", "pooled"))
    monkeypatch.setattr(comparing, "compare_data", lambda data, rank, folds: found)
    result = CliRunner().invoke(app, ["compare", "data.npz", "--json", "--out", "out"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert "Share: sharing" in CliRunner().invoke(app, ["compare", "data.npz"]).stdout


def test_the_curves_of_a_plan(tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "_DRAWS", 3)  # of truths, which take most of the time
    family = TaskFamily(6, 5, 4, (2, 1), 0.0)
    curves = planning.plan_curves(planning.Specification(family, 0.1, 0.2, 0.9))
    users, needs = curves["users"]
    targets, along = curves["targets"]
    assert (np.diff(users) > 0).all()
    assert (np.diff(targets) > 0).all()
    here = max(need[list(users).index(6)] for need in needs.values())
    assert here == max(need[list(targets).index(0.1)] for need in along.values()) == curves["num_samples"]
    assert (np.diff(along["noise"]) <= 0).all()
    assert (np.diff(needs["counting"]) <= 0).all()
    write_plan_picture(curves, tmp_path / "deep" / "plan.png")
    assert (tmp_path / "deep" / "plan.png").read_bytes().startswith(b"\x89PNG")


def test_a_choice_as_plain_values():
    candidates = (Candidate((1, 1), 9, 3.0, -5.0), Candidate((2, 1), 12, 1.0, -20.0, 0.5, 0.0))
    told = ranks.selection_summary(RankSelection((2, 1), (2, 1), (2, 1), candidates, 4.0, 60, 5, ()))
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["sure"]
    assert [each["held_out_error"] for each in told["candidates"]] == [None, 0.5]

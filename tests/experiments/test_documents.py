"""Values as JSON: what is no number is null, and numpy's numbers are numbers."""

import enum
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from colora_theory.experiments.commands import speech
from colora_theory.experiments.documents import as_json, plain


class Verdict(enum.StrEnum):
    HOLDS = "holds"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [float("nan"), (float("inf"), 1.5)], 3: -np.inf}, {"a": [None, [None, 1.5]], "3": None}),
        ([np.float32(0.5), np.float64(0.25), np.float32("nan"), np.float64("-inf")], [0.5, 0.25, None, None]),
        ([np.int32(7), np.uint8(3), np.bool_(True), np.str_("w")], [7, 3, True, "w"]),
        (np.array([[1.0, np.nan], [np.inf, 2.0]], np.float32), [[1.0, None], [None, 2.0]]),
        ((np.arange(3), jnp.arange(2.0), np.array(5)), [[0, 1, 2], [0.0, 1.0], 5]),
        ({"path": Path("x") / "y", "none": None, "yes": True, "verdict": Verdict.HOLDS, Verdict.HOLDS: 1},
         {"path": "x/y", "none": None, "yes": True, "verdict": "holds", "holds": 1}),
    ],
)  # fmt: skip
def test_every_value_has_its_json(value, expected, capsys):
    assert plain(value) == expected
    assert json.loads(as_json(value)) == expected
    speech.print_json(value)
    assert json.loads(capsys.readouterr().out) == expected


def test_integers_stay_integers_and_floats_keep_every_digit():
    assert type(plain(np.int64(2**62))) is int
    assert json.loads(as_json(np.int64(2**62))) == 2**62
    assert json.loads(as_json(np.float64(0.1) + np.float64(0.2))) == 0.1 + 0.2


def test_what_json_does_not_know_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        as_json({"a": object()})

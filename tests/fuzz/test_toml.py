"""The reader of TOML files: a sweep that can be planned, or one line that says where the file is wrong."""

import datetime
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colora_theory.experiments.config import Grid, load_config
from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.plan import make_plan
from tests.fuzz.effort import answer, examples

VALID = {"num_users": 4, "num_rows": 20, "num_cols": [20, 10], "rank": [2, 1], "oversampling": 2.5, "noise": 0.1}
MANY_CELLS = 1000


def written(value: object) -> str:
    """A value as TOML."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return hex(value) if value > 2**64 else str(value)
        case float():
            return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan" if math.isnan(value) else repr(value))
        case list():
            return f"[{', '.join(map(written, value))}]"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {written(item)}" for key, item in value.items()) + "}"
        case datetime.date():
            return value.isoformat()
    return json.dumps(value)


def document(name: object, *grids: dict) -> str:
    lines = [f"name = {written(name)}"]
    for grid in grids:
        lines += ["[[grid]]", *(f"{json.dumps(key)} = {written(value)}" for key, value in grid.items())]
    return "\n".join(lines)


def read(path, content: str | bytes) -> None:
    """Holds for whatever the content is."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="replace"))
    config = answer(lambda: load_config(path), ConfigError, str(path))
    if config is not None and sum(grid.num_cells for grid in config.grid) <= MANY_CELLS:
        plan = answer(lambda: make_plan(config, "custom"), ())
        assert all(len(chunk.id) == 32 for chunk in plan.chunks)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 2**31, 2**63, 10**40, 16**400, -(10**400), 1e308, 5e-324, -0.0]),
)
scalars = st.one_of(
    numbers,
    text,
    st.booleans(),
    st.dates(),
    st.sampled_from(["gaussian", "alternating"]),
    st.integers(1, 10**6).map("x".__mul__),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=3))
grids = st.dictionaries(st.sampled_from([*Grid.model_fields]) | text, values, max_size=8)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("toml") / "sweep.toml"


@examples(60)
@given(content=st.binary(max_size=60) | text.map(str.encode))
def test_bytes(path, content):
    read(path, content)
    read(path, b"\xef\xbb\xbf" + content)


@examples(60)
@given(name=values, written_grids=st.lists(grids, max_size=3))
def test_documents_of_any_kind(path, name, written_grids):
    read(path, document(name, *written_grids))


@examples(100)
@given(changes=st.dictionaries(st.sampled_from([*Grid.model_fields]), values, max_size=3))
def test_a_good_file_with_other_values(path, changes):
    read(path, document("mine", VALID | changes))


@examples(60)
@given(data=st.data(), insertion=text | st.sampled_from(["[", "]", "\0", '"', "\n[[grid]]\n", "=", ".", "# "]))
def test_a_good_file_cut_and_patched(path, data, insertion):
    content = document("mine", VALID)
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    read(path, content[:begin] + insertion + content[end:])


def grid_with(**changes) -> str:
    return document("mine", VALID | changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a = " + 10**5 * "[", "nested too deeply"),
        ("a = " + 10**5 * "{a = ", "nested too deeply"),
        (".".join(10**5 * "a") + " = 1", "a key of 32 parts or more"),
        ("a = " + 5000 * "9", "is not a TOML file: Exceeds the limit"),
        ('name = "a"\ngrid = 0x' + 10**5 * "f", "grid = an integer of 400000 bits does not fit"),
        (document("x" * 10**6), "name = 'xxxx"),
        (document("x" * 101, VALID), "it is at most 100 letters"),
        (b"#" * (2**20 + 1), "larger than 1048576 bytes"),
        (grid_with(**{"k" * 10**5: 1}), "grid 1: unknown key 'kkk"),
        (grid_with(num_users=16**5000), "grid 1: num_users an integer of 20001 bits exceeds 2147483647"),
        (grid_with(num_users=2**31), "grid 1: num_users 2147483648 exceeds 2147483647"),
        (grid_with(rank=[16**5000, 1]), "grid 1: rank (an integer of 20001 bits, 1) exceeds 2147483647"),
        (grid_with(max_steps=10**9), "grid 1: max_steps 1000000000 exceeds 1000000"),
        (grid_with(oversampling=1e308), "grid 1: oversampling 1e+308 exceeds 2147483647"),
        (grid_with(oversampling=1e9), "grid 1: oversampling asks for num_samples 15750000000,"),
        (grid_with(design=10**6 * "x"), "grid 1: unknown design 'xxx"),
        (grid_with(num_users=list(range(2, 3000)), num_rows=list(range(20, 3000))), "cells are more than 1000000"),
        (document("mine", *[VALID | {"num_seeds": 10**5}] * 6), "1200000 cells are more than 1000000"),
    ],
)
def test_what_once_hung_overflowed_or_filled_the_screen(path, content, message):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        answer(lambda: load_config(path), ())
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_byte_order_mark_is_no_error(path):
    path.write_bytes(b"\xef\xbb\xbf" + grid_with().encode())
    assert load_config(path).name == "mine"


def test_a_long_list_of_values_is_read_at_once(path):
    path.write_text(grid_with(oversampling=[1 + number / 10**5 for number in range(20_000)], num_cols=20))
    assert answer(lambda: load_config(path), ()).grid[0].num_cells == 20_000


@pytest.mark.parametrize(("source", "message"), [("/dev/zero", "larger than"), ("/", "Is a directory")])
def test_what_is_no_file_at_all(source, message, path):
    with pytest.raises(ConfigError, match=message):
        answer(lambda: load_config(type(path)(source)), ())

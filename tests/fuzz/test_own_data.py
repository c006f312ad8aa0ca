"""The readers of own data: arrays that a door takes, or an error that names the file; nothing in it is executed."""

import io
import json
import os
import pickle
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.own_data import UserData, read_data
from tests.fuzz.doors import CHANGES, GOOD, SHAPES
from tests.fuzz.effort import answer, examples

ARRAYS = [
    {"A": GOOD["dense"]["A"], "y": GOOD["dense"]["y"]},
    GOOD["rank_one"],
    GOOD["vector_output"],
    GOOD["entries"],
    {"A": GOOD["dense"]["A"][0], "y": GOOD["dense"]["y"][0], "user": np.arange(8) // 3, "offset": np.ones((3, 2))},
]
TABLE = pd.DataFrame({"user": [0, 0, 1, 1], "y": [1.0, 2.0, 3.0, 4.0], "a_1": 1.5, "a_2": 2.5, "b_1": -1.0, "b_2": 0.5})
CELLS = [
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e-400",
    "x",
    "0x1",
    "1_0",
    "1;2",
    '"',
    "'",
    "\0",
    "é",
    "=1+1",
    "user",
    "a_2",
    "y_1",
]


class Payload:
    """What leaves a file behind if it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def stored(arrays: dict) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def table_bytes(suffix: str) -> bytes:
    if suffix == ".csv":
        return TABLE.to_csv(index=False).encode()
    file = io.BytesIO()
    TABLE.to_parquet(file)
    return file.getvalue()


def read(path, *, problem: bool = True) -> UserData | None:
    """Holds for whatever is there."""
    found = answer(lambda: read_data(path), ConfigError, str(path))
    if found is not None and problem:
        answer(found.problem, ConfigError, str(path))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("own")


@examples(40)
@given(data=st.data(), arrays=st.sampled_from(ARRAYS))
def test_arrays_of_any_kind(folder, data, arrays):
    changed = dict(arrays)
    for name in data.draw(
        st.lists(st.sampled_from([*arrays, "user", "shape", "offset", "W", "x/../y", ""]), max_size=2)
    ):
        if isinstance(changed.get(name), np.ndarray):
            change = data.draw(st.sampled_from(CHANGES))
            try:
                with warnings.catch_warnings(action="ignore"):
                    changed[name] = change(changed[name])
            except (IndexError, TypeError, ValueError):
                reject()
        elif data.draw(st.booleans()):
            changed[name] = data.draw(st.sampled_from(SHAPES))
        else:
            changed.pop(name, None)
    try:
        with warnings.catch_warnings(action="ignore"):
            content = stored(changed)
    except (TypeError, ValueError, AttributeError, pickle.PicklingError):
        reject()
    (folder / "data.npz").write_bytes(content)
    read(folder / "data.npz")


@examples(60)
@given(data=st.data(), kind=st.sampled_from([".npz", ".csv", ".parquet", ".npy"]))
def test_bytes_changed_cut_or_inserted(folder, data, kind):
    if kind == ".npy":
        (folder / "split").mkdir(exist_ok=True)
        np.save(folder / "split" / "A.npy", ARRAYS[0]["A"])
        np.save(folder / "split" / "y.npy", ARRAYS[0]["y"])
        path = folder / "split" / data.draw(st.sampled_from(["A.npy", "y.npy"]))
        content = path.read_bytes()
    else:
        path = folder / f"data{kind}"
        content = stored(data.draw(st.sampled_from(ARRAYS))) if kind == ".npz" else table_bytes(kind)
    # Half of the places near an end, where the headers are.
    place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 127) | st.integers(-127, -1)) % len(content)
    other = data.draw(st.binary(max_size=8))
    path.write_bytes(content[:place] + other + content[place + data.draw(st.sampled_from([0, len(other), 1, 10**6])) :])
    read(path.parent if kind == ".npy" else path)


@examples(40)
@given(data=st.data())
def test_tables_with_other_cells(folder, data):
    cells = [TABLE.columns.tolist(), *TABLE.astype(str).values.tolist()]
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.sampled_from(cells))
        if row:
            row[data.draw(st.integers(0, len(row) - 1))] = data.draw(st.sampled_from(CELLS) | st.text(max_size=5))
    if data.draw(st.booleans()):
        del data.draw(st.sampled_from(cells))[:1]
    path = folder / "table.csv"
    path.write_text("\n".join(map(",".join, cells)), errors="replace")
    read(path)


@pytest.mark.parametrize("kind", ["npz", "npy", "raw npy", "csv", "parquet", "zarr"])
def test_nothing_in_a_file_is_executed(tmp_path, kind):
    trap, source = tmp_path / "executed", tmp_path / f"data.{kind}"
    pickled = pickle.dumps(Payload(trap))
    objects = np.array([Payload(trap), None], object)
    match kind:
        case "npz":
            np.savez(source, A=objects, y=objects)
        case "npy" | "raw npy":
            source = tmp_path / "folder"
            source.mkdir()
            for name in "Ay":
                if kind == "npy":
                    np.save(source / f"{name}.npy", objects)
                else:
                    (source / f"{name}.npy").write_bytes(pickled)
        case "csv":
            source.write_bytes(b"user,y,a_1,b_1\n0,__import__('os').mkdir('" + str(trap).encode() + b"'),1,1\n")
        case "parquet":
            pd.DataFrame({"user": [pickled], "y": [pickled], "a_1": [pickled], "b_1": [pickled]}).to_parquet(source)
        case "zarr":
            source = tmp_path / "folder"
            (source / "A.zarr").mkdir(parents=True)
            np.save(source / "y.npy", np.ones((2, 2)))
            head = {"zarr_format": 2, "shape": [2, 2, 2, 2], "chunks": [2, 2, 2, 2], "dtype": "<f8", "order": "C"}
            head |= {"fill_value": 0, "filters": [{"id": "pickle", "protocol": 5}], "compressor": None}
            (source / "A.zarr" / ".zarray").write_text(json.dumps(head))
            (source / "A.zarr" / "0.0.0.0").write_bytes(pickled)
    with pytest.raises(ConfigError, match=str(tmp_path)):
        read_data(source).problem()
    assert not trap.exists()
    pickle.loads(pickled)  # or else it would say nothing
    assert trap.exists()


def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_fills_the_memory(tmp_path):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**7)})
    (tmp_path / "A.npy").write_bytes(head.getvalue())
    np.save(tmp_path / "y.npy", np.ones((3, 8)))
    read(tmp_path)
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("A.npy", head.getvalue())
        archive.writestr("y.npy", head.getvalue())
    assert read(tmp_path / "data.npz") is None


@pytest.mark.parametrize("stored", ["zeros", "small integers", "no array"])
def test_what_unpacks_to_more_than_memory_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, stored):
    """Zeros are packed a thousandfold, and numbers of one byte take eight of memory in the end."""
    path, size = tmp_path / "data.npz", 10**7
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "Ay":
            if stored == "no array":
                archive.writestr(f"{name}.npy", bytes(8 * size))
                continue
            with archive.open(f"{name}.npy", "w") as file:
                np.save(file, np.zeros((1, size), "f8" if stored == "zeros" else "i1"))
    assert path.stat().st_size < size / 40
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("it was unpacked"))
    monkeypatch.setattr("colora_theory.experiments.own_data.available_memory", lambda: 15 * size)
    with pytest.raises(ConfigError, match=rf"{path} takes 0\.\d+ GB of memory.*0\.15 are left\n.*folder with A\.npy"):
        read_data(path)


def test_headers_that_python_2_wrote_are_read_without_a_warning(tmp_path):
    for name, array in ARRAYS[0].items():
        path, size = tmp_path / f"{name}.npy", str(len(array)).encode()
        np.save(path, array)
        content = path.read_bytes()
        path.write_bytes(content.replace(b"(" + size + b",", b"(" + size + b"L,").replace(b" \n", b"\n", 1))
        assert len(path.read_bytes()) == len(content)
    np.testing.assert_array_equal(read(tmp_path).arrays["y"], ARRAYS[0]["y"])

"""Own data from a table: one sample in each row."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.own_data import UserData, arrange

_NUMBERED = re.compile(r"([abxy])_([1-9][0-9]{0,5})")
_LAYOUTS = "user, y, a_1 .., b_1 ..; user, x_1 .., y_1 ..; user, row, col, value"
# The array that each group of columns makes, by the groups that a layout has.
_ARRAYS = {
    frozenset({"a", "b", "y"}): {"a": "a", "b": "b", "y": "y"},
    frozenset({"x", "y_"}): {"x": "X", "y_": "Y"},
    frozenset({"row", "col", "value"}): {"row": "rows", "col": "cols", "value": "values"},
}


def read_table(path: Path) -> UserData:
    """The data of a .csv or .parquet file.

    Raises:
        ConfigError: for a file that cannot be read, other columns, or a cell that is no finite number, naming the row.
    """
    frame = _read(path)
    frame.columns = [str(name).strip() for name in frame.columns]
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise ConfigError(f"{path} has the column {twice[0]} twice")
    groups = _groups(path, list(frame.columns))
    if not len(frame):
        raise ConfigError(f"{path} has columns but no rows")
    arrays: dict[str, np.ndarray] = {"user": _users(path, frame["user"])}
    for group, name in _ARRAYS[frozenset(groups)].items():
        numbers = _numbers(path, frame[groups[group]])
        arrays[name] = numbers if group in "abxy_" and group != "y" else numbers[:, 0]
    return arrange(path, arrays)


def _read(path: Path) -> pd.DataFrame:
    try:
        # As text, so that what is no number can be shown.
        return pd.read_csv(path, dtype=str) if path.suffix == ".csv" else pd.read_parquet(path)
    except Exception as error:  # each reader has errors of its own
        raise ConfigError(
            f"{path} cannot be read: {' '.join(str(error).split())[:200] or type(error).__name__}"
        ) from None


def _groups(path: Path, columns: list[str]) -> dict[str, list[str]]:
    """The columns of each array, in order."""
    numbered: dict[str, set[int]] = {}
    groups: dict[str, list[str]] = {}
    for name in columns:
        found = _NUMBERED.fullmatch(name)
        if found:
            numbered.setdefault(found[1], set()).add(int(found[2]))
        elif name in ("y", "row", "col", "value"):
            groups[name] = [name]
        elif name != "user":
            raise ConfigError(f"{path} has the column {name!r}; known: {_LAYOUTS}")
    for letter, numbers in numbered.items():
        missing = set(range(1, max(numbers) + 1)) - numbers
        if missing:
            raise ConfigError(f"{path} has {letter}_{max(numbers)} but no {letter}_{min(missing)}")
        groups["y_" if letter == "y" else letter] = [f"{letter}_{number}" for number in sorted(numbers)]
    if "user" not in columns or frozenset(groups) not in _ARRAYS:
        raise ConfigError(f"{path} has the columns {', '.join(columns)[:200] or '(none)'}; known: {_LAYOUTS}")
    return groups


def _users(path: Path, column: "pd.Series[str]") -> np.ndarray:
    missing = column.isna().to_numpy()
    if missing.any():
        raise ConfigError(f"{path}: user is empty in row {int(np.argmax(missing)) + 1}")
    names = np.array([str(name) for name in column])
    # Integers in their order, not as words.
    whole = all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in names)
    return names.astype(np.int64) if whole else names


def _numbers(path: Path, frame: pd.DataFrame) -> np.ndarray:
    numbers = np.column_stack([pd.to_numeric(frame[name], errors="coerce").to_numpy(float) for name in frame.columns])
    bad = np.argwhere(~np.isfinite(numbers))
    if bad.size:
        row, col = (int(index) for index in bad[0])
        raise ConfigError(
            f"{path}: {frame.columns[col]} is {str(frame.iloc[row, col])!r:.40} in row {row + 1}: "
            "a finite number is needed"
        )
    return numbers

"""Tables with one sample in each row: their columns as the arrays of each user."""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from colora_theory.checks import OwnData

# Importing pandas takes time: only whoever has a table has done so already.
if TYPE_CHECKING:
    import pandas as pd
    from pandas import DataFrame as Frame
else:
    Frame = Any

_NUMBERED = re.compile(r"([abxy])_([1-9][0-9]{0,5})")
_LAYOUTS = "user, y, a_1 .., b_1 ..; user, x_1 .., y_1 ..; user, row, col, value"
# The array that each group of columns makes, by the groups that a layout has.
_ARRAYS = {
    frozenset({"a", "b", "y"}): {"a": "a", "b": "b", "y": "y"},
    frozenset({"x", "y_"}): {"x": "X", "y_": "Y"},
    frozenset({"row", "col", "value"}): {"row": "rows", "col": "cols", "value": "values"},
}
_SINGLE = ("y", "row", "col", "value")
# Kinds of numpy that would become numbers of another meaning: complex, spans and points of time.
_NO_REALS = "cmM"


def is_frame(values: Any) -> TypeGuard[Frame]:
    """Whether this is a pandas DataFrame; imports nothing."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, pandas.DataFrame)


def user_names(frame: Frame) -> list[Any]:
    """The users of a table as its column `user` has them, in the order of the weights that are fitted to it.

    Args:
        frame: see `Problem.from_frame`.

    Raises:
        TypeError, ValueError: for no table, or one without users, naming the row.
    """
    columns = _column_names(frame)
    if "user" not in columns:
        raise ValueError(f"the table has the columns {_told(columns)}; user is needed")
    column = frame.iloc[:, columns.index("user")]
    _, first = np.unique(_users(column), return_index=True)
    names: list[Any] = column.iloc[first].tolist()
    return names


def columns_as_arrays(frame: Frame) -> dict[str, np.ndarray]:
    """The columns of a table as the arrays of a door, samples first, and `user`, integers or names, shape (N,).

    Args:
        frame: see `Problem.from_frame`.

    Returns:
        `user`, and a, b and y; X and Y; or rows, cols and values; all but `user` in double precision.

    Raises:
        TypeError, ValueError: see `Problem.from_frame`.
    """
    columns = _column_names(frame)
    groups = _groups(columns)
    if not len(frame):
        raise ValueError("the table has columns but no rows")
    arrays = {"user": _users(frame.iloc[:, columns.index("user")])}
    for group, name in _ARRAYS[frozenset(groups)].items():
        numbers = np.column_stack([_numbers(member, frame.iloc[:, columns.index(member)]) for member in groups[group]])
        arrays[name] = numbers[:, 0] if group in _SINGLE else numbers
    return arrays


def split_by_user(
    user: np.ndarray, arrays: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, dict[str, Sequence[np.ndarray]]]:
    """The samples of each user, in their order.

    Args:
        user: of each sample, shape (N,).
        arrays: by name, samples first.

    Returns:
        The users, sorted, and by name one array for each of them.
    """
    labels, counts = np.unique(user, return_counts=True)
    order, ends = np.argsort(user, kind="stable"), np.cumsum(counts)[:-1]
    return labels, {name: np.split(array[order], ends) for name, array in arrays.items()}


def whole_as_integers(array: np.ndarray) -> np.ndarray:
    """Floats that are whole as integers; anything else as it is, for the door to refuse."""
    whole = array.dtype.kind == "f" and bool((np.isfinite(array) & (array == np.round(array))).all())
    return array.astype(np.int64) if whole and (np.abs(array.astype(float)) < 2**53).all() else array


def smallest_shape(rows: OwnData, cols: OwnData) -> tuple[int, int]:
    """The smallest (d1, d2) that has these entries; what is no index is left to the door."""
    sizes = (
        max((int(each.max()) for each in map(np.asarray, side) if each.size and each.dtype.kind in "iu"), default=0)
        for side in (rows, cols)
    )
    num_rows, num_cols = (min(max(size, 0), 2**31 - 2) + 1 for size in sizes)
    return num_rows, num_cols


def _column_names(frame: Frame) -> list[str]:
    if not is_frame(frame):
        raise TypeError(f"frame is {type(frame).__name__}: a pandas DataFrame is needed, with one sample in each row")
    columns = [str(name).strip() for name in frame.columns]
    twice = sorted({name for name in columns if columns.count(name) > 1}) if len({*columns}) < len(columns) else []
    if twice:
        raise ValueError(f"the table has the column {twice[0]} twice")
    return columns


def _groups(columns: list[str]) -> dict[str, list[str]]:
    """The columns of each array, in order."""
    numbered: dict[str, set[int]] = {}
    groups: dict[str, list[str]] = {}
    for name in columns:
        found = _NUMBERED.fullmatch(name)
        if found:
            numbered.setdefault(found[1], set()).add(int(found[2]))
        elif name in _SINGLE:
            groups[name] = [name]
        elif name != "user":
            raise ValueError(f"the table has the column {name!r}; known: {_LAYOUTS}")
    for letter, numbers in numbered.items():
        missing = set(range(1, max(numbers) + 1)) - numbers
        if missing:
            raise ValueError(f"the table has {letter}_{max(numbers)} but no {letter}_{min(missing)}")
        groups["y_" if letter == "y" else letter] = [f"{letter}_{number}" for number in sorted(numbers)]
    if "user" not in columns or frozenset(groups) not in _ARRAYS:
        raise ValueError(f"the table has the columns {_told(columns)}; known: {_LAYOUTS}")
    return groups


def _users(column: "pd.Series[Any]") -> np.ndarray:
    missing = column.isna().to_numpy()
    if missing.any():
        raise ValueError(f"user is empty in row {int(np.argmax(missing)) + 1}")
    names = np.array([str(name) for name in column])
    # Integers in their order, not as words.
    whole = all(re.fullmatch(r"-?[0-9]{1,18}", name) for name in names)
    return names.astype(np.int64) if whole else names


def _numbers(name: str, column: "pd.Series[Any]") -> np.ndarray:
    import pandas as pd

    if column.dtype.kind in _NO_REALS:
        numbers = np.full(len(column), np.nan)
    else:
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{name} is {str(column.iloc[row])!r:.40} in row {row + 1}: a finite number is needed")
    return numbers


def _told(columns: list[str]) -> str:
    return ", ".join(columns)[:200] or "(none)"

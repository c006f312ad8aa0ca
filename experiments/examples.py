"""A small set of own data in every layout, to try `colora fit` on."""

from pathlib import Path

import numpy as np
import pandas as pd

from colora_theory.experiments.errors import ConfigError, StoreError

_USERS, _ROWS, _COLS, _RANK = 6, 8, 6, 2
_LENGTHS = (40, 40, 55, 40, 60, 45)
_NOISE = 0.02


def write_examples(out: Path) -> list[Path]:
    """Writes one file, or folder, for each layout, all of the same weights, and those weights as truth.npz.

    The same numbers every time: 6 users (2 in two_users.npz), 8 x 6, rank 2, noise of .02.

    Returns:
        What `colora fit` can be tried on.

    Raises:
        ConfigError: if there is such a file already.
        StoreError: if the folder cannot be written.
    """
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((_ROWS, _RANK)), rng.standard_normal((_COLS, _RANK))
    weights = left @ rng.standard_normal((_USERS, _RANK, _RANK)) @ right.T / np.sqrt(_ROWS)
    user = np.repeat(np.arange(_USERS), _LENGTHS)
    own = weights[user]

    def noisy(values: np.ndarray) -> np.ndarray:
        return values + _NOISE * rng.standard_normal(values.shape)

    matrices, a = rng.standard_normal((len(user), _ROWS, _COLS)), rng.standard_normal((len(user), _ROWS))
    b = rng.standard_normal((len(user), _COLS))
    dense = {"user": user, "A": matrices, "y": noisy(np.einsum("nab,nab->n", matrices, own))}
    rank_one = {"user": user, "a": a, "b": b, "y": noisy(np.einsum("na,nab,nb->n", a, own, b))}
    vector = {"user": user, "X": b, "Y": noisy(np.einsum("nab,nb->na", own, b))}
    places = np.concatenate([np.sort(rng.permutation(_ROWS * _COLS)[: min(count, 40)]) for count in _LENGTHS])
    holder = np.repeat(np.arange(_USERS), [min(count, 40) for count in _LENGTHS])
    rows, cols = np.divmod(places, _COLS)
    entries = {"user": holder, "rows": rows, "cols": cols, "values": noisy(weights[holder, rows, cols])}

    whole = {name: value[user < 2].reshape(2, _LENGTHS[0], *value.shape[1:]) for name, value in dense.items()}
    del whole["user"]
    tables = {"rank_one.csv": _frame(rank_one), "vector_output.parquet": _frame(vector), "entries.csv": _frame(entries)}
    archives = {"dense.npz": dense, "rank_one.npz": rank_one, "vector_output.npz": vector}
    archives["entries.npz"] = entries | {"shape": np.array([_ROWS, _COLS])}
    archives["two_users.npz"] = whole
    names = [*archives, "dense", *tables]
    taken = [name for name in (*names, "truth.npz") if (out / name).exists()]
    if taken:
        raise ConfigError(f"{out / taken[0]} exists already: choose another folder")
    try:
        (out / "dense").mkdir(parents=True)
        np.savez(out / "truth.npz", weights=weights)
        for name, arrays in archives.items():
            np.savez(out / name, **arrays)  # type: ignore[arg-type]
        for name, array in dense.items():
            np.save(out / "dense" / f"{name}.npy", array)
        for name, frame in tables.items():
            # Opened here: pyarrow takes no path that is not text.
            with (out / name).open("wb") as file:
                frame.to_csv(file, index=False) if name.endswith(".csv") else frame.to_parquet(file)
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror or error}; choose another folder") from None
    return [out / name for name in names]


def _frame(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    """One sample in each row, vectors as numbered columns."""
    singular = {"rows": "row", "cols": "col", "values": "value"}
    columns: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            columns[singular.get(name, name)] = array
        else:
            columns |= {f"{name.lower()}_{place + 1}": array[:, place] for place in range(array.shape[1])}
    return pd.DataFrame(columns)

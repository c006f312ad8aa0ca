"""Own data from a table: one sample in each row."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from colora_theory.experiments.errors import ConfigError
from colora_theory.experiments.own_data import UserData, arrange, check_fits, told
from colora_theory.frames import columns_as_arrays

_REMEDY = "give fewer samples, or dense matrices as a folder with A.npy, which are streamed"


def read_table(path: Path) -> UserData:
    """The data of a .csv or .parquet file.

    Raises:
        ConfigError: for a file that cannot be read or does not fit into memory, other columns, or a cell that is no
            finite number, naming the row.
    """
    frame = _read(path)
    try:
        arrays = columns_as_arrays(frame)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from None
    return arrange(path, arrays)


def _read(path: Path) -> pd.DataFrame:
    try:
        check_fits(path, _needed(path), _REMEDY)
        # As text, so that what is no number can be shown.
        return pd.read_csv(path, dtype=str) if path.suffix == ".csv" else pd.read_parquet(path)
    except ConfigError:
        raise
    except Exception as error:  # each reader has errors of its own
        raise ConfigError(f"{path} cannot be read: {told(error)}") from None


def _needed(path: Path) -> int:
    """Bytes at least: of text those of the file; of Parquet, unpacked and as doubles, what its footer claims."""
    if path.suffix == ".csv":
        return path.stat().st_size
    with path.open("rb") as file, pq.ParquetFile(file) as table:
        footer = table.metadata
        unpacked = sum(footer.row_group(place).total_byte_size for place in range(footer.num_row_groups))
        return unpacked + 8 * footer.num_rows * footer.num_columns

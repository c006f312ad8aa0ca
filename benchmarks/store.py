"""Three Parquet files in one folder: runs, traces, floor; each written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.errors import BenchError

RUNS = pa.schema(
    [
        ("size", pa.string()),
        ("condition_number", pa.float64()),  # null: as drawn
        ("draw", pa.int64()),
        ("method", pa.string()),
        ("package", pa.string()),
        ("version", pa.string()),  # null: not installed
        ("status", pa.string()),  # "reached" or "failed"
        ("reason", pa.string()),  # of the failure; empty if there is none
        ("error_final", pa.float64()),  # relative, at the end of a complete run; null if there was none
        ("seconds_to_1e6", pa.float64()),  # null: never
        ("seconds_total", pa.float64()),  # of a complete run, compiled
        ("seconds_cold", pa.float64()),  # from the start of the process to the first complete result
        ("peak_bytes", pa.int64()),  # of the process until then
        ("data_bytes", pa.int64()),  # of the sensing matrices
        ("steps", pa.int64()),
        ("repeats", pa.int64()),  # timed runs behind the median; 0: the first run of the process itself
        ("busy_elsewhere", pa.float64()),  # cores that other processes used meanwhile; null: not known
        ("cap", pa.float64()),  # seconds that one run was given
        ("fingerprint", pa.string()),  # of the code and the settings behind the row
    ]
)
TRACES = pa.schema(
    [
        ("size", pa.string()),
        ("draw", pa.int64()),
        ("method", pa.string()),
        ("seconds", pa.float64()),
        ("error", pa.float64()),
    ]
)
FLOOR = pa.schema(
    [
        ("size", pa.string()),
        ("solver", pa.string()),
        ("data_bytes", pa.int64()),
        ("flops", pa.float64()),  # of one step
        ("bandwidth", pa.float64()),  # bytes per second
        ("dgemm_rate", pa.float64()),  # flops per second of a square product
        ("right_rate", pa.float64()),  # of A V
        ("left_rate", pa.float64()),  # of U^T A
        ("floor_seconds", pa.float64()),
        ("step_seconds", pa.float64()),
        ("peak_bytes", pa.int64()),  # data and what solving adds
    ]
)
_SCHEMAS = {"runs": RUNS, "traces": TRACES, "floor": FLOOR}
_KEY = ["size", "draw", "method"]
_METADATA_KEY = b"colora_theory"


class Store:
    """The files under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> pd.DataFrame:
        """A table, empty if there is none; where it comes from is in `.attrs`.

        Raises:
            BenchError: if the file is not a table of this kind.
        """
        path = self._path(name)
        if not path.exists():
            return _SCHEMAS[name].empty_table().to_pandas()
        try:
            table = pq.read_table(path)
        except (pa.ArrowException, OSError) as error:
            raise BenchError(
                f"cannot read {path} ({str(error).splitlines()[0]}): remove it or choose another --out"
            ) from error
        if not table.schema.remove_metadata().equals(_SCHEMAS[name]):
            raise BenchError(f"{path} has other columns than this version writes: remove it or choose another --out")
        frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas()
        frame.attrs.update(json.loads((table.schema.metadata or {}).get(_METADATA_KEY, b"{}")))
        return frame

    def add(self, runs: list[dict[str, Any]], traces: list[dict[str, Any]], record: dict[str, Any]) -> None:
        """Add the results of one draw, in the place of older ones of the same methods.

        The traces come first: an interruption between the two files leaves traces without a run, which `read_traces`
        leaves out and the next run replaces.
        """
        for name, rows in (("traces", traces), ("runs", runs)):
            old = self.read(name)
            replaced = pd.MultiIndex.from_frame(
                pd.DataFrame([[run[key] for key in _KEY] for run in runs], columns=_KEY)
            )
            kept = old[~pd.MultiIndex.from_frame(old[_KEY]).isin(replaced)]
            new = pa.Table.from_pylist(rows, schema=_SCHEMAS[name])
            table = pa.concat_tables([pa.Table.from_pandas(kept, schema=_SCHEMAS[name], preserve_index=False), new])
            self.write(name, table, merged({str(name): value for name, value in old.attrs.items()}, record))

    def read_traces(self) -> pd.DataFrame:
        """The traces of the runs that are stored."""
        traces, runs = self.read("traces"), self.read("runs")
        known = pd.MultiIndex.from_frame(runs[_KEY])
        return traces[pd.MultiIndex.from_frame(traces[_KEY]).isin(known)]

    def write(self, name: str, table: pa.Table, record: dict[str, Any]) -> None:
        """Write a table under a temporary name, flush it to the disk, then rename.

        Raises:
            BenchError: if the folder cannot be written.
        """
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        table = table.cast(_SCHEMAS[name]).replace_schema_metadata({_METADATA_KEY: json.dumps(record)})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                pq.write_table(table, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - what makes it whole or not at all
        except OSError as error:
            raise BenchError(f"cannot write {path}: {error.strerror or error}; choose another --out") from error
        finally:
            temporary.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.root / f"{name}.parquet"


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """One record for a table that grows: where sessions differ, the sorted list of all they said."""
    record = {}
    for name in {**old, **new}:
        said = [value for part in (old, new) if name in part for value in _listed(part[name])]
        values = list(dict.fromkeys(said))
        record[name] = values[0] if len(values) == 1 else sorted(map(str, values))
    return record


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

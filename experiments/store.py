"""The results folder: every finished chunk a file, checked whenever it is read.

<root>/<sweep>/<preset>/chunks/<chunk id>.parquet    finished chunks
<root>/<sweep>/<preset>/quarantine/                  files that were found damaged or foreign
<root>/<sweep>/<preset>.parquet                      the whole table, in the order of the plan
<root>/verdicts-<preset>.json                        what the tables say of the claims
"""

import contextlib
import itertools
import json
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from colora_theory.experiments import table
from colora_theory.experiments.chunk import AbstractChunk
from colora_theory.experiments.documents import as_json
from colora_theory.experiments.errors import ColoraError, StoreError
from colora_theory.experiments.files import put
from colora_theory.experiments.plan import Plan
from colora_theory.experiments.presets import CUSTOM
from colora_theory.experiments.provenance import merge
from colora_theory.experiments.seal import seal_holds, sealed_file

_METADATA_KEY = b"colora_theory"
# What the provenance of a chunk says of the chunk alone, and a table does not repeat.
_OF_A_CHUNK = ("chunk_id", "config_hash", "clock")


class DamagedFileError(StoreError):
    """A file under a name of ours that does not hold what the name says."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Store:
    """Tables under one root folder.

    Args:
        root: the folder.
        schemas: what a table may have for columns.
        made_by: the command that makes a table, before its options; that of its sweep unless given.
    """

    def __init__(
        self, root: Path, schemas: Sequence[pa.Schema] = table.SCHEMAS, made_by: tuple[str, ...] | None = None
    ) -> None:
        self.root = root
        self._schemas = schemas
        self._made_by = made_by

    def table_path(self, sweep: str, preset: str) -> Path:
        """Where the whole table lies."""
        return self.root / sweep / f"{preset}.parquet"

    def folder(self, sweep: str, preset: str) -> Path:
        """Where the parts of a table lie."""
        return self.root / sweep / preset

    def chunk_path(self, plan: Plan, chunk: AbstractChunk) -> Path:
        """Where a finished chunk lies."""
        return self.folder(plan.sweep, plan.preset) / "chunks" / f"{chunk.id}.parquet"

    def quarantine_folder(self, plan: Plan) -> Path:
        """Where files go that cannot be trusted."""
        return self.folder(plan.sweep, plan.preset) / "quarantine"

    def prepare(self, plan: Plan) -> None:
        """Make the folders and see that they can be written, before anything is computed.

        Raises:
            StoreError: If they cannot.
        """
        folder = self.folder(plan.sweep, plan.preset) / "chunks"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise _cannot_write(folder, error) from error

    def read_chunk(self, plan: Plan, chunk: AbstractChunk) -> pa.Table | None:
        """The rows of a chunk, or None if it is not there.

        Raises:
            DamagedFileError: If the file is not what its name says.
            StoreError: If it cannot be read, or if a newer version of the package wrote it.
        """
        found = self.find_chunk(plan, chunk)
        return None if found is None else found[0]

    def find_chunk(self, plan: Plan, chunk: AbstractChunk) -> tuple[pa.Table, dict[str, Any]] | None:
        """The rows of a chunk with their provenance; see `read_chunk`."""
        path = self.chunk_path(plan, chunk)
        found = self._read(path)
        if found is None:
            return None
        rows, record = found
        if record.get("chunk_id") != chunk.id:
            raise DamagedFileError(path, f"it holds chunk {record.get('chunk_id')}")
        if rows.num_rows != chunk.num_cells:
            raise DamagedFileError(path, f"it has {rows.num_rows} rows, {chunk.num_cells} are expected")
        return rows, record

    def write_chunk(self, plan: Plan, chunk: AbstractChunk, rows: pa.Table, record: dict[str, Any]) -> None:
        """Store a finished chunk, whole or not at all."""
        names = {"sweep": plan.sweep, "preset": plan.preset, "config_hash": plan.config_hash, "chunk_id": chunk.id}
        _write(self.chunk_path(plan, chunk), rows, record | names)

    def quarantine(self, plan: Plan, damaged: DamagedFileError) -> Path:
        """Move a file out of the way and return where it is now; nothing is deleted."""
        folder = self.quarantine_folder(plan)
        try:
            folder.mkdir(exist_ok=True)
            target = _free_place(folder, damaged.path.name)
            # Another run of the same folder may have moved it just now.
            with contextlib.suppress(FileNotFoundError):
                damaged.path.replace(target)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        return target

    def write_table(self, plan: Plan) -> Path:
        """Put the chunks together in the order of the plan; all of them must be there.

        Raises:
            StoreError: If one is not, or is damaged, or if the folder cannot be written.
        """
        parts, records = [], []
        for chunk in plan.chunks:
            try:
                found = self.find_chunk(plan, chunk)
            except DamagedFileError as error:
                raise StoreError(
                    f"{error}\nrun the same command again: the file is set aside, its cells made again"
                ) from error
            if found is None:
                path = self.chunk_path(plan, chunk)
                raise StoreError(f"{path} is gone since it was finished\nrun the same command again to make it anew")
            rows, record = found
            parts.append(rows)
            records.append({key: value for key, value in record.items() if key not in _OF_A_CHUNK})
        path = self.table_path(plan.sweep, plan.preset)
        _write(path, pa.concat_tables(parts), merge(records) | {"config_hash": plan.config_hash})
        return path

    def check_table(self, plan: Plan) -> None:
        """See that a table in the place of the plan's is ours to replace.

        Raises:
            DamagedFileError: If it is not a table of results.
            StoreError: If it cannot be read, or if a newer version of the package wrote it.
        """
        self._read(self.table_path(plan.sweep, plan.preset))

    def remedy(self, sweep: str, preset: str) -> str:
        """The command that makes a table, in words for an error message."""
        if preset == CUSTOM:
            return f"run: colora sweep FILE.toml --results {shlex.quote(str(self.root))}, with the file of {sweep}"
        made_by = self._made_by or ("colora", "run", sweep)
        return "run: " + shlex.join([*made_by, "--preset", preset, "--results", str(self.root)])

    def load(self, sweep: str, preset: str) -> pd.DataFrame:
        """The whole table of a sweep; where it comes from is in `.attrs`.

        Raises:
            ColoraError: If it has not been computed.
            StoreError: If it is damaged; the message names the remedy.
        """
        path = self.table_path(sweep, preset)
        try:
            found = self._read(path)
        except DamagedFileError as error:
            raise StoreError(f"{error}\nto make it again from its chunks, {self.remedy(sweep, preset)}") from error
        if found is None:
            raise ColoraError(f"there is no table {path}\n{self.remedy(sweep, preset)}")
        rows, record = found
        frame: pd.DataFrame = rows.to_pandas()
        frame.attrs.update(record)
        return frame

    def load_planned(self, plan: Plan) -> pd.DataFrame:
        """The table of a plan, as `load` gives it.

        Raises:
            ColoraError: If it has not been computed, or from other grids or by other code than the plan's.
            StoreError: If it is damaged; the message names the remedy.
        """
        frame = self.load(plan.sweep, plan.preset)
        if frame.attrs["config_hash"] != plan.config_hash:
            path = self.table_path(plan.sweep, plan.preset)
            remedy = self.remedy(plan.sweep, plan.preset)
            raise ColoraError(f"{path} was made from other grids or by other code than those of today\n{remedy}")
        return frame

    def write_json(self, name: str, document: Any) -> Path:
        """Store a document beside the tables as `<name>.json`, whole or not at all, and return its path.

        Raises:
            StoreError: If the folder cannot be written.
        """
        path = self.root / f"{name}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_write(path.parent, error) from error
        _put(path, (as_json(document) + "\n").encode())
        return path

    def _read(self, path: Path) -> tuple[pa.Table, dict[str, Any]] | None:
        """Rows and provenance, or None if there is no such file."""
        found = _read(path)
        if found is not None and not any(found[0].schema.equals(schema) for schema in self._schemas):
            raise DamagedFileError(path, "its columns are not those of a table of results")
        return found


def _read(path: Path) -> tuple[pa.Table, dict[str, Any]] | None:
    """Rows, whatever their columns, and provenance; None if there is no such file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from error
    intact = seal_holds(content)
    if intact is False:
        raise DamagedFileError(path, "truncated or altered, its checksum does not fit")
    try:
        rows = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(path, f"truncated, or not a Parquet file ({str(error).splitlines()[0]})") from error
    metadata = (rows.schema.metadata or {}).get(_METADATA_KEY)
    if metadata is None:
        raise DamagedFileError(path, "it was not written by colora")
    try:
        record = dict(json.loads(metadata))
    except (ValueError, TypeError) as error:
        raise DamagedFileError(path, "its provenance is not readable") from error
    version = record.get("schema_version")
    if isinstance(version, int) and version > table.SCHEMA_VERSION:
        raise StoreError(
            f"{path} has table schema {version}, this version of colora_theory knows {table.SCHEMA_VERSION}\n"
            "it was left alone; upgrade the package or choose another --results folder"
        )
    if not isinstance(version, int) or version < table.OLDEST_READABLE:
        raise DamagedFileError(path, f"it has table schema {version}, {table.SCHEMA_VERSION} is expected")
    if record.pop("sealed", False) and intact is None:
        raise DamagedFileError(path, "altered, its checksum is missing")
    rows = rows.replace_schema_metadata(None)
    if version < table.SCHEMA_VERSION:
        rows = table.upgrade(rows)
    return rows, record


def _write(path: Path, rows: pa.Table, record: dict[str, Any]) -> None:
    record = record | {"schema_version": table.SCHEMA_VERSION, "sealed": True}
    _put(path, sealed_file(rows.replace_schema_metadata({_METADATA_KEY: json.dumps(record)})))


def _put(path: Path, content: bytes) -> None:
    try:
        put(path, content)
    except OSError as error:
        raise _cannot_write(path.parent, error) from error


def _free_place(folder: Path, name: str) -> Path:
    """A new, empty file for `name`, which no other process takes."""
    for number in itertools.count():
        place = folder / f"{number}-{name}"
        with contextlib.suppress(FileExistsError):
            place.touch(exist_ok=False)
            break
    return place


def _cannot_write(folder: Path, error: OSError) -> StoreError:
    reason = error.strerror or str(error)
    return StoreError(
        f"cannot write to the results folder {folder}: {reason}\n"
        "what is finished is kept; make room or choose another --results folder, then run the same command again"
    )

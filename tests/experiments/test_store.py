import errno
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from colora_theory.experiments import table
from colora_theory.experiments.errors import ColoraError, StoreError
from colora_theory.experiments.provenance import merge, provenance
from colora_theory.experiments.seal import sealed_file
from colora_theory.experiments.store import DamagedFileError, Store


def rows_for(chunk, value=1.0):
    """Rows of the right number; the store does not look into them."""
    row = dict.fromkeys(table.SCHEMA.names) | {"relative_error": value, "relative_error_trace": [1.0, 0.5]}
    return pa.Table.from_pylist([row | {"seed": seed} for seed in range(chunk.num_cells)], schema=table.SCHEMA)


@pytest.fixture
def filled(store, plan):
    store.prepare(plan)
    for number, chunk in enumerate(plan.chunks):
        store.write_chunk(plan, chunk, rows_for(chunk, float(number)), {"device": "abacus"})
    return store


def test_what_is_written_is_read(filled, plan):
    for number, chunk in enumerate(plan.chunks):
        assert filled.read_chunk(plan, chunk).equals(rows_for(chunk, float(number)))


def test_a_chunk_that_is_not_there_is_none(store, plan):
    assert store.read_chunk(plan, plan.chunks[0]) is None


def test_the_table_holds_all_chunks_in_the_order_of_the_plan(filled, plan):
    path = filled.write_table(plan)
    assert path == filled.root / "tiny" / "smoke.parquet"
    frame = filled.load("tiny", "smoke")
    order = [float(number) for number, chunk in enumerate(plan.chunks) for _ in range(chunk.num_cells)]
    assert frame["relative_error"].tolist() == order
    assert frame.attrs["device"] == "abacus"
    assert frame.attrs["config_hash"] == plan.config_hash
    assert "chunk_id" not in frame.attrs


def test_provenance_travels_in_the_file(store, plan):
    store.prepare(plan)
    chunk = plan.chunks[0]
    store.write_chunk(plan, chunk, rows_for(chunk), provenance())
    record = pq.read_schema(store.chunk_path(plan, chunk)).metadata[b"colora_theory"].decode()
    for name in ("package_version", "git_commit", "jax", "numpy", "python", "device", "dtype", "command", "created"):
        assert f'"{name}"' in record
    assert chunk.id in record


def test_differing_provenance_is_kept_as_a_list():
    assert merge([{"a": "1", "b": "x"}, {"a": "2", "b": "x"}]) == {"a": ["1", "2"], "b": "x"}


def truncate(path, _):
    path.write_bytes(path.read_bytes()[:-20])


def empty(path, _):
    path.write_bytes(b"")


def flip_a_bit(path, _):
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(bytes(content))


def take_another_chunks_place(path, other):
    path.write_bytes(other.read_bytes())


def somebody_elses_table(path, _):
    pq.write_table(pa.table({"a": [1, 2]}), path)


def provenance_that_is_no_record(path, _):
    rows = pq.read_table(path)
    pq.write_table(rows.replace_schema_metadata({b"colora_theory": b"{bad"}), path)


def other_columns(path, _):
    metadata = pq.read_schema(path).metadata
    path.write_bytes(sealed_file(pa.table({"a": [1, 2]}).replace_schema_metadata(metadata)))


def drop_a_row(path, _):
    path.write_bytes(sealed_file(pq.read_table(path).slice(1)))


def older_schema(path, _):
    rewrite_version(path, 0)


def rewrite_version(path, version):
    rows = pq.read_table(path)
    record = rows.schema.metadata[b"colora_theory"].decode()
    record = record.replace(f'"schema_version": {table.SCHEMA_VERSION}', f'"schema_version": {version}')
    path.write_bytes(sealed_file(rows.replace_schema_metadata({"colora_theory": record})))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, "truncated"),
        (empty, "truncated"),
        (flip_a_bit, "truncated"),
        (take_another_chunks_place, "it holds chunk"),
        (somebody_elses_table, "not written by colora"),
        (provenance_that_is_no_record, "provenance is not readable"),
        (other_columns, "columns"),
        (drop_a_row, "3 rows, 4 are expected"),
        (older_schema, "schema 0"),
    ],
)
def test_a_damaged_or_foreign_file_is_named_with_the_reason(filled, plan, damage, reason):
    path, other = (filled.chunk_path(plan, chunk) for chunk in plan.chunks)
    damage(path, other)
    with pytest.raises(DamagedFileError, match=reason) as caught:
        filled.read_chunk(plan, plan.chunks[0])
    assert caught.value.path == path


def test_quarantine_moves_and_keeps_everything(filled, plan):
    path = filled.chunk_path(plan, plan.chunks[0])
    for content in (b"first", b"second"):
        path.write_bytes(content)
        moved = filled.quarantine(plan, DamagedFileError(path, "no good"))
        assert not path.exists()
        assert moved.read_bytes() == content
    assert len(list(filled.quarantine_folder(plan).iterdir())) == 2


# The columns of version 2, written down: tables of it are read for as long as `upgrade` says so.
VERSION_2 = """num_users num_rows num_cols rank_left rank_right similarity misalignment condition_number num_samples
noise seed method start max_steps degrees_of_freedom oversampling status status_name steps seconds seconds_per_step
relative_error mean_squared_error sine_left sine_right overlap_left overlap_right relative_residual relative_error_trace
long_run_contraction contraction_factor contraction_law isometry_constant core_isometry common_isometry single_isometry
spread_isometry cramer_rao noise_law predicted_overlap_left predicted_overlap_right transfer_together transfer_alone
transfer_pooled"""


def rewrite_as_version_2(path, **more):
    rows = pq.read_table(path)
    metadata, rows = rows.schema.metadata, rows.select(VERSION_2.split())
    for name, values in more.items():
        rows = rows.append_column(name, pa.array([values] * rows.num_rows))
    path.write_bytes(sealed_file(rows.replace_schema_metadata(metadata)))
    rewrite_version(path, 2)


def test_a_table_of_version_2_is_read_as_what_it_stands_for(filled, plan):
    filled.write_table(plan)
    before = filled.load("tiny", "smoke")
    rewrite_as_version_2(filled.table_path("tiny", "smoke"))
    after = filled.load("tiny", "smoke")
    assert list(after) == table.SCHEMA.names
    assert set(after["design"]) == set(after["noise_kind"]) == {"gaussian"}
    assert after[VERSION_2.split()].equals(before[VERSION_2.split()])


def test_a_table_of_version_2_with_other_columns_is_damaged(filled, plan):
    filled.write_table(plan)
    rewrite_as_version_2(filled.table_path("tiny", "smoke"), somebody="else")
    with pytest.raises(StoreError, match="columns"):
        filled.load("tiny", "smoke")


def test_a_newer_schema_is_left_alone(filled, plan):
    path = filled.chunk_path(plan, plan.chunks[0])
    rewrite_version(path, 99)
    content = path.read_bytes()
    with pytest.raises(StoreError, match="table schema 99") as caught:
        filled.read_chunk(plan, plan.chunks[0])
    assert not isinstance(caught.value, DamagedFileError)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_named(tmp_path, plan):
    (tmp_path / "results").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match=r"cannot write to the results folder .*results/tiny/smoke/chunks"):
        Store(tmp_path / "results").prepare(plan)


def test_a_full_disk_loses_nothing_and_leaves_no_temporary_file(filled, plan, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    chunk = plan.chunks[0]
    before = filled.chunk_path(plan, chunk).read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        filled.write_chunk(plan, chunk, rows_for(chunk, 7.0), {})
    assert str(filled.chunk_path(plan, chunk).parent) in str(caught.value)
    assert filled.chunk_path(plan, chunk).read_bytes() == before
    assert sorted(path.suffix for path in filled.chunk_path(plan, chunk).parent.iterdir()) == [".parquet"] * 2


def test_what_a_killed_process_left_half_written_is_removed(filled, plan):
    chunk = plan.chunks[0]
    path = filled.chunk_path(plan, chunk)
    leftover = path.with_name(f".{path.name}.1.tmp")
    leftover.write_bytes(b"half")
    filled.write_chunk(plan, chunk, rows_for(chunk), {})
    assert not leftover.exists()


def test_a_missing_table_names_the_command_that_makes_it(store):
    with pytest.raises(ColoraError, match="colora run noise --preset cpu"):
        store.load("noise", "cpu")


def test_a_damaged_table_is_never_loaded(filled, plan):
    path = filled.write_table(plan)
    truncate(path, None)
    with pytest.raises(StoreError, match=r"smoke\.parquet: truncated"):
        filled.load("tiny", "smoke")

"""Whatever happens to the bytes of a stored file: it is refused by name, or holds what was stored."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from colora_theory.experiments.provenance import provenance
from colora_theory.experiments.seal import seal_holds
from colora_theory.experiments.store import DamagedFileError
from tests.experiments.test_store import rows_for

FLIPS, CUTS, HOLES = 200, 100, 50


@pytest.fixture
def chunk(store, plan):
    store.prepare(plan)
    chunk = plan.chunks[0]
    store.write_chunk(plan, chunk, rows_for(chunk), provenance())
    return chunk


def flipped(content: bytes, part: int, rng: random.Random) -> bytes:
    """One bit flipped in one of as many equal parts of the file as there are flips."""
    damaged = bytearray(content)
    damaged[rng.randrange(len(content) * part // FLIPS, len(content) * (part + 1) // FLIPS)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def cut(content: bytes, part: int, _: random.Random) -> bytes:
    return content[: len(content) * part // CUTS]


def with_hole(content: bytes, _: int, rng: random.Random) -> bytes:
    """Up to 512 bytes of zeros, as a lost sector leaves them."""
    begin = rng.randrange(len(content))
    end = min(len(content), begin + rng.randrange(1, 512))
    return content[:begin] + bytes(end - begin) + content[end:]


@pytest.mark.parametrize(("damage", "times"), [(flipped, FLIPS), (cut, CUTS), (with_hole, HOLES)])
def test_damage_anywhere_is_seen(store, plan, chunk, damage, times):
    path = store.chunk_path(plan, chunk)
    sound, rng = path.read_bytes(), random.Random(0)
    for part in range(times):
        damaged = damage(sound, part, rng)
        if damaged == sound:  # a hole where there were zeros
            continue
        path.write_bytes(damaged)
        with pytest.raises(DamagedFileError) as caught:
            store.read_chunk(plan, chunk)
        assert caught.value.path == path


def test_every_bit_of_the_seal_itself_counts(store, plan, chunk):
    path = store.chunk_path(plan, chunk)
    sound = path.read_bytes()
    begin = sound.index(b"colora_theory_sha256")
    for place in range(begin, begin + 86):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        with pytest.raises(DamagedFileError):
            store.read_chunk(plan, chunk)


def test_a_sealed_file_is_an_ordinary_parquet_file_and_one_without_a_seal_is_told(store, plan, chunk, tmp_path):
    path = store.chunk_path(plan, chunk)
    assert seal_holds(path.read_bytes()) is True
    rows = pq.read_table(path, page_checksum_verification=True)
    assert rows.replace_schema_metadata(None).equals(rows_for(chunk))
    pq.write_table(pa.table({"a": [1]}), tmp_path / "plain.parquet")
    assert seal_holds((tmp_path / "plain.parquet").read_bytes()) is None


def test_chunks_from_before_there_were_seals_are_read(store, plan, chunk):
    path = store.chunk_path(plan, chunk)
    rows = pq.read_table(path)
    record = rows.schema.metadata[b"colora_theory"].decode().replace(', "sealed": true', "")
    pq.write_table(rows.replace_schema_metadata({"colora_theory": record}), path, write_page_checksum=True)
    assert store.read_chunk(plan, chunk).equals(rows_for(chunk))

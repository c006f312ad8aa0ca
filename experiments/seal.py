"""A checksum of a whole Parquet file inside it, so that what is damaged is refused before anything else reads it.

The checksums of Parquet guard its pages of data alone, not where they lie, what their columns are or the provenance.
"""

import hashlib
import re

import pyarrow as pa
import pyarrow.parquet as pq

_KEY = b"colora_theory_sha256"
_BLANK = b"0" * 64
# A pair of strings as Parquet writes it: between the two, that another field of text follows, and that it has 64 bytes.
_SEAL = re.compile(re.escape(_KEY) + rb"\x18\x40([0-9a-f]{64})")


def sealed_file(rows: pa.Table) -> bytes:
    """The bytes of a Parquet file of `rows` and their metadata, checksum included."""
    metadata = {key: value for key, value in (rows.schema.metadata or {}).items() if key != _KEY}
    rows = rows.replace_schema_metadata(metadata)
    buffer = pa.BufferOutputStream()
    with pq.ParquetWriter(buffer, rows.schema, write_page_checksum=True) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata({_KEY: _BLANK})
    content = buffer.getvalue().to_pybytes()
    (seal,) = _SEAL.finditer(content)
    return content[: seal.start(1)] + _digest(content, seal) + content[seal.end(1) :]


def seal_holds(content: bytes) -> bool | None:
    """Whether a file is as it was sealed; None for one without a seal."""
    seals = list(_SEAL.finditer(content))
    return all(_digest(content, seal) == seal[1] for seal in seals) if seals else None


def _digest(content: bytes, seal: re.Match[bytes]) -> bytes:
    """SHA-256 of the content with zeros for the seal, in hexadecimal."""
    digest = hashlib.sha256(content[: seal.start(1)])
    digest.update(_BLANK)
    digest.update(content[seal.end(1) :])
    return digest.hexdigest().encode()

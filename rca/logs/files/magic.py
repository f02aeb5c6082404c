"""The kind of a file by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Packing = Literal["none", "gzip", "zstd"]
Container = Literal["text", "parquet", "framed", "zip"]

_ZSTD = b"\x28\xb5\x2f\xfd"
_NO_ROWS = {
    b"SQLite format 3": "a SQLite database: export its table as CSV or Parquet",
    b"Obj\x01": "an Avro file: convert it to Parquet",
    b"WHY1": "a whylogs profile, which holds summaries and no rows",
    b"ARROW1": "an Arrow file: convert it to Parquet",
    b"ORC": "an ORC file: convert it to Parquet",
    b"%PDF": "a PDF, not row data",
    b"\x89PNG": "a picture, not row data",
    b"\x89HDF": "an HDF5 file: convert it to Parquet",
    b"BZh": "packed with bzip2: unpack it",
    b"\xfd7zXZ": "packed with xz: unpack it",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"\x7fELF": "a program, not row data",
}
_PICKLE = tuple(bytes([0x80, version]) for version in range(2, 6))


@dataclass(frozen=True)
class Magic:
    """What the first bytes say: how to open the file, or why it holds no rows."""

    container: Container = "text"
    packing: Packing = "none"
    no_rows: str = ""


def magic(head: bytes) -> Magic:
    """Return what the first bytes of a file say.

    >>> magic(b"PAR1...").container, magic(bytes([0x1F, 0x8B, 8])).packing
    ('parquet', 'gzip')
    >>> magic(bytes([0x80, 4, 0x95])).no_rows
    'a Python pickle, which is a program and not row data: load it yourself and pass the frame'
    """
    if head.startswith(b"PAR1"):
        return Magic("parquet")
    if head.startswith(b"\x1f\x8b"):
        return Magic(packing="gzip")
    if head.startswith(_ZSTD):
        return Magic(packing="zstd")
    if _is_framed(head):
        return Magic("framed")
    if head.startswith(b"PK\x03\x04"):
        return Magic("zip")
    if head.startswith(_PICKLE):
        return Magic(
            no_rows="a Python pickle, which is a program and not row data: "
            "load it yourself and pass the frame"
        )
    for sign, what in _NO_ROWS.items():
        if head.startswith(sign):
            return Magic(no_rows=what)
    if head[:2] not in (b"\xff\xfe", b"\xfe\xff") and b"\x00" in head:
        return Magic(no_rows="binary, perhaps a protobuf: export it as JSON, CSV or Parquet")
    return Magic()


def _is_framed(head: bytes) -> bool:
    """Tell the collector's framing: four bytes of length, big-endian, before each object."""
    length = int.from_bytes(head[:4], "big")
    return length > 0 and (
        head[4:8] == _ZSTD or (head[:1] == b"\x00" and head[4:5] == b"{" and length > 2)
    )

"""The collector's framing: each object behind four bytes of length, packed with zstd or not.

The OpenTelemetry collector's ``file`` exporter writes this with ``compression: zstd`` or with
``format: proto``. It is no zstd file: tools that open it by its name fail on the first bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rca.errors import CorruptFileError

_LARGEST = 256 * 2**20
_ZSTD = b"\x28\xb5\x2f\xfd"


def frames(path: Path) -> Iterator[bytes]:
    """Yield each object of a framed file, unpacked.

    Raises
    ------
    CorruptFileError
        The file is cut, or holds protobuf.
    """
    with path.open("rb") as file:
        number = 0
        while prefix := file.read(4):
            number += 1
            length = int.from_bytes(prefix, "big")
            data = file.read(length) if length <= _LARGEST else b""
            if len(prefix) < 4 or len(data) < length:
                raise CorruptFileError(
                    f"{path.name} is cut in object {number} of its framing. Export it again."
                )
            plain = _plain(data) if data.startswith(_ZSTD) else data
            if plain is None or not plain.lstrip().startswith(b"{"):
                raise CorruptFileError(
                    f"{path.name}, object {number} is no JSON: set format: json in the collector's "
                    "file exporter, or send it through one that writes JSON."
                )
            yield plain


def _plain(data: bytes) -> bytes | None:
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            plain: bytes = stream.read(_LARGEST + 1)
    except OSError:
        return None
    return plain if len(plain) <= _LARGEST else None

"""PNG files of pictures, drawn by vl-convert without a browser."""

import struct
import zlib
from collections.abc import Iterator

import altair as alt
import vl_convert

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Pixels per unit of a specification: sharp on a dense screen and in print.
_SCALE = 2


def png(specification: dict[str, object]) -> bytes:
    """Draw a specification of Vega-Lite as a PNG file."""
    image: bytes = vl_convert.vegalite_to_png(
        specification, vl_version=vega_lite_version(), scale=_SCALE
    )
    return repacked(image)


def vega_lite_version() -> str:
    """Give the version of Vega-Lite for which Altair writes, as vl-convert names it."""
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def repacked(image: bytes) -> bytes:
    """Compress the pixels of a PNG file again, the pixels unchanged.

    vl-convert compresses for speed: its files are three to nine times as large.
    """
    chunks = list(_chunks(image))
    pixels = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    first = [kind for kind, _ in chunks].index(b"IDAT")
    others = [chunk for chunk in chunks if chunk[0] != b"IDAT"]
    others.insert(first, (b"IDAT", zlib.compress(pixels, 6)))
    return _SIGNATURE + b"".join(_packed(kind, data) for kind, data in others)


def _chunks(image: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give kind and data of each chunk: length, kind, data and checksum in the file."""
    place = len(_SIGNATURE)
    while place < len(image):
        length, kind = struct.unpack_from(">I4s", image, place)
        yield kind, image[place + 8 : place + 8 + length]
        place += length + 12


def _packed(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

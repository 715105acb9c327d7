"""Damage that leaves every pixel whole: the file's bytes without it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
_MORE = b"\x5a" * 4096
# Chunks that Pillow needs for the first frame; all others are metadata.
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sBIT", b"eXIf", b"iCCP")


def png_without_metadata(data: bytes) -> bytes:
    """A PNG with the chunks of its pixels only, none with a wrong checksum but the pixels' own.

    Texts in it may be damaged, or larger than Pillow accepts.
    """
    return PNG + b"".join(
        chunk
        for kind, chunk, intact in _chunks(data)
        if kind in _PIXEL_CHUNKS and (intact or kind.isupper())
    )


def jpeg_endings(data: bytes) -> tuple[bytes, bytes]:
    """A JPEG without an end marker, completed in two ways.

    Only when its last rows are missing do the two decode to different pixels: the decoder then
    takes them from what follows.
    """
    data = data.removesuffix(JPEG_END[:1])
    return data + JPEG_END, data + _MORE + JPEG_END


def jpeg_with_more(data: bytes) -> bytes:
    """A JPEG with more data before its end marker: only if it lacks rows does it decode to others.

    The decoder itself fills missing rows with gray, without a word.
    """
    end = data.rfind(JPEG_END)
    return data[:end] + _MORE + data[end:]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Type, bytes and correctness of the checksum of each chunk."""
    at = len(PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        checksum = int.from_bytes(data[end - 4 : end], "big")
        yield data[at + 4 : at + 8], data[at:end], zlib.crc32(data[at + 4 : end - 4]) == checksum
        at = end

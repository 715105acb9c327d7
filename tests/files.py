"""Files for tests: pictures whose pixels are known, and every kind of file that must be refused."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def ramp(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """A smooth RGB picture; every seed gives another one."""
    y, x = np.mgrid[:height, :width]
    red, green = x * 255 / max(width - 1, 1), y * 255 / max(height - 1, 1)
    blue = np.full_like(red, (seed * 37) % 256)
    return Image.fromarray(np.stack([red, green, blue], -1).astype(np.uint8))


def encoded(image: Image.Image, form: str = "PNG", **settings: object) -> bytes:
    """The picture as a file of that form."""
    file = io.BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


def png(seed: int = 0) -> bytes:
    """A small good picture."""
    return encoded(ramp(seed=seed))


def half(data: bytes) -> bytes:
    """A file cut in half."""
    return data[: len(data) // 2]


def png_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A true 1-bit PNG of 900 million pixels in about 110 kB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def folder_of(folder: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write files by relative name."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def zip_of(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """A zip with those members, names exactly as given."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
    return path


def jsonl(*rows: object) -> str:
    """Rows as JSON lines; a text is written as it is."""
    return "".join(f"{r if isinstance(r, str) else json.dumps(r)}\n" for r in rows)

"""File names for images, whatever their names are."""

from __future__ import annotations

import re
from itertools import count

from core.types import Item

# By the first bytes of the file.
_ENDINGS = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"GIF8", ".gif"),
    (b"BM", ".bmp"),
    (b"II*\x00", ".tif"),
    (b"MM\x00*", ".tif"),
)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # on Windows
LONGEST = 100


class FileNames:
    """Gives each image a relative path of its own, as close to its name as every system allows."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, item: Item) -> str:
        r"""The path of an image's file, with `/`.

        >>> names = FileNames()
        >>> [names.of(Item("image", b"GIF8", name)) for name in ("a/B.gif", "A\\b.gif", "../nul")]
        ['a/B.gif', 'A/b-2.gif', '_nul.gif']
        """
        parts = [_safe(part) for part in re.split(r"[/\\]+", item.name)]
        *folders, name = [part for part in parts if part] or [f"{item.id[:32]}"]
        folders = folders[folders[:1] == ["images"] :]  # they all lie in such a folder
        stem, ending = name, ending_of(item.payload)
        if "." in name[1:]:
            stem, _, found = name.rpartition(".")
            ending = f".{found}" if 0 < len(found) < 6 else ending
        folder = "".join(f"{part}/" for part in folders[-6:])
        stem = _safe(stem[:LONGEST]) or "image"
        for n in count(1):
            path = f"{folder}{stem}{f'-{n}' if n > 1 else ''}{ending}"
            if path.lower() not in self._taken:
                self._taken.add(path.lower())
                return path
        raise AssertionError


def ending_of(data: bytes) -> str:
    """The usual ending of an image's file.

    >>> ending_of(b"RIFF0000WEBP"), ending_of(b"?")
    ('.webp', '.img')
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    return next((ending for start, ending in _ENDINGS if data.startswith(start)), ".img")


def _safe(part: str) -> str:
    """A part of a path that every file system takes; "" for nothing and for dots."""
    part = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", part.encode("utf-8", "replace").decode())
    part = part.strip(" ").rstrip(".")[:LONGEST]
    while len(part.encode()) > 200:
        part = part[:-1]
    if not part.strip("."):
        return ""
    return f"_{part}" if _RESERVED.fullmatch(part) else part

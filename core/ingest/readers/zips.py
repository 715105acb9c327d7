"""A zip as a tree. Its directory is checked before anything is decompressed."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from posixpath import dirname, normpath
from threading import Lock

from core.errors import UnreadableFile
from core.ingest.budget import MAX_RATIO, RATIO_FREE, bomb, check, size_of
from core.ingest.images import IMAGE_SUFFIXES, pixel_bytes
from core.ingest.readers.files import hidden, is_absolute, suffix, within
from core.types import Rejected

MAX_MEMBER = 2 * 1024**3
MAX_TOTAL = 64 * 1024**3
_COPIES = 8  # of a text or table, as it becomes rows
_ROW_BYTES = 2000  # of a row, list or object once it is read; large, as each takes time as well
_VALUE_BYTES = 600  # of a cell, or a value of a list or object
_VALUES_RATIO = 5000  # a table of 1 and -1 packs to a quarter of a byte per cell
_PIXELS_RATIO = 20_000  # pages of text in black and white have 1,000 pixels per byte
_BRACKETS, _LINES, _SEPARATORS = b"{[", b"\n\r", b",;|\t"
_CHUNK = 1 << 20
_UTF8 = 0x800  # flag of a member: its name is UTF-8
_ENCRYPTED = "it is encrypted; unpack the zip and ingest the folder"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# RuntimeError: passwords and methods that zipfile does not support.
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError
)  # fmt: skip


class Zip:
    """A zip file, read in place and from any thread.

    Raises:
        InputError: not a zip, truncated, completely encrypted, or decompressing beyond the limits.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self._file = zipfile.ZipFile(path)
        except _DAMAGE as error:
            reason = "it is not a zip, or it is truncated or damaged"
            raise UnreadableFile(path.name, reason) from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._objections: dict[str, str] = {}
        for info in self._file.infolist():
            if not info.is_dir():
                self._add(info)
        visible = {name: info for name, info in self._members.items() if not hidden(name)}
        self.names = tuple(sorted(visible))
        self.rejected = tuple(
            Rejected(name, objection)
            for name, objection in sorted(self._objections.items())
            if not hidden(name)
        )
        size = path.stat().st_size
        self._check(sum(info.file_size for info in visible.values()), size)
        self._decoded = Decoded(self.names, size)

    def _add(self, info: zipfile.ZipInfo) -> None:
        written = _name(info).replace("\\", "/")
        objection = _objection(info, written)
        name = written if objection else normpath(written)
        if objection:
            self._objections[name] = objection
        else:
            self._members[name] = info

    def _check(self, unpacked: int, packed: int) -> None:
        """Reject the zip as a whole."""
        if not self._members and _ENCRYPTED in self._objections.values():
            raise UnreadableFile(self.name, _ENCRYPTED)
        if unpacked > MAX_TOTAL:
            reason = f"it decompresses to {size_of(unpacked)}; allowed: {size_of(MAX_TOTAL)}"
            raise UnreadableFile(self.name, f"{reason}. Unpack it and ingest the folder")
        if unpacked > RATIO_FREE and unpacked > MAX_RATIO * packed:
            raise UnreadableFile(self.name, bomb(unpacked, packed))

    def files_in(self, folder: str) -> list[str]:
        """Names of the visible members directly in a folder."""
        return [name for name in self.names if dirname(name) == folder]

    def objection(self, name: str) -> str:
        """Why a member cannot be read; "" when it can."""
        if name in self._members:
            return ""
        return self._objections.get(name, "there is no such file in the zip")

    def read(self, name: str) -> bytes:
        """A member's bytes, never more than the directory states."""
        if objection := self.objection(name):
            raise UnreadableFile(name, objection)
        info = self._members[name]
        must_fit(name, info.file_size, info.compress_size)
        found = BytesIO()  # gives its bytes without a copy
        try:
            with self._file.open(info) as member:
                # In steps: one large read would decompress all of a member with a false size.
                while part := member.read(_CHUNK):
                    found.write(part)
        except _DAMAGE as error:
            reason = "it is damaged in the zip and cannot be unpacked"
            raise UnreadableFile(name, reason) from error
        data = found.getvalue()
        if len(data) != info.file_size:
            raise UnreadableFile(name, "it is truncated in the zip")
        self._decoded.add(name, data, info.compress_size)
        return data

    def path(self, name: str) -> str:
        """Members have no path on disk."""
        return ""

    def within(self, reference: str, base: str = "") -> str:
        """The member that a path refers to."""
        return within(reference, base)


def must_fit(name: str, size: int, packed: int) -> None:
    """Reject a member of an archive that would take too much memory for its packed size.

    Raises:
        UnreadableFile: it does.
    """
    copies = 1 if suffix(name) in IMAGE_SUFFIXES else _COPIES
    check(name, copies * size, packed)


class Decoded:
    """What the members of an archive that were read stand for, all together.

    Args:
        names: of all members.
        size: bytes of the archive.
    """

    def __init__(self, names: Iterable[str], size: int) -> None:
        self._images, self._size = sum(suffix(name) in IMAGE_SUFFIXES for name in names), size
        self._lock = Lock()
        self._read: set[str] = set()
        self._n_images = self._pixels = self._values = self._packed = 0

    def add(self, name: str, data: bytes, packed: int) -> None:
        """Add a member with its bytes, and how many they are in the archive.

        Raises:
            UnreadableFile: up to this one they are few bytes, but too many pixels, rows or values.
        """
        is_image = suffix(name) in IMAGE_SUFFIXES
        decoded = pixel_bytes(data, name) if is_image else _values(name, data)
        with self._lock:
            if name in self._read:
                return
            self._read.add(name)
            if is_image:
                self._n_images += 1
                self._pixels += decoded
                whole = self._pixels * self._images // self._n_images
                check(name, self._pixels, self._size, _PIXELS_RATIO, whole=whole)
            else:
                self._values += decoded
                self._packed += packed
                check(name, self._values, self._packed, _VALUES_RATIO)


def _values(name: str, data: bytes) -> int:
    """Bytes that a text or table may take once it is read, by its lines, brackets and commas."""
    rows = sum(map(data.count, _BRACKETS))
    if suffix(name) != ".json":  # whose lines may be no rows
        rows = max(rows, *map(data.count, _LINES))
    return _ROW_BYTES * rows + _VALUE_BYTES * max(map(data.count, _SEPARATORS))


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name; UTF-8 where its bytes are, also where the zip does not say so.

    Many programs write UTF-8 without its flag, for which zipfile reads code page 437.
    """
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _objection(info: zipfile.ZipInfo, name: str) -> str:
    if is_absolute(name) or ".." in name.split("/"):
        return "its name leads outside of the zip"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "it is a link, not a file"
    if info.flag_bits & 0x1:
        return _ENCRYPTED
    if info.compress_type not in _METHODS:
        return "its compression method is not supported; use an ordinary zip"
    if info.file_size > RATIO_FREE and info.file_size > MAX_RATIO * info.compress_size:
        return bomb(info.file_size, info.compress_size)
    if info.file_size > MAX_MEMBER:
        return f"it decompresses to {size_of(info.file_size)}; allowed: {size_of(MAX_MEMBER)}"
    return ""

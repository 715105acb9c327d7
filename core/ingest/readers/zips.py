"""A zip as a tree. Its directory is checked before anything is decompressed."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from posixpath import dirname, normpath

from core.errors import UnreadableFile
from core.ingest.budget import MAX_RATIO, RATIO_FREE, bomb, check, size_of
from core.ingest.images import IMAGE_SUFFIXES
from core.ingest.readers.files import hidden, is_absolute, suffix, within
from core.types import Rejected

MAX_MEMBER = 2 * 1024**3
MAX_TOTAL = 64 * 1024**3
_COPIES = 8  # of a text or table, as it becomes rows
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
        self._check(sum(info.file_size for info in visible.values()), path.stat().st_size)

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

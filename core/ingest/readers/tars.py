"""A tar as a tree: its members are listed once, and read one at a time where they lie."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, normpath
from shutil import copyfileobj
from tarfile import HeaderError, ReadError, TarError
from tempfile import TemporaryFile
from threading import Lock
from typing import Any
from weakref import finalize

from core.errors import UnreadableFile
from core.ingest.budget import MAX_RATIO, RATIO_FREE, bomb, size_of
from core.ingest.readers.files import hidden, is_absolute, printable, within
from core.ingest.readers.zips import MAX_MEMBER, MAX_TOTAL, Decoded, must_fit
from core.types import Rejected

TAR_SUFFIXES = (".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst")
_COMPRESSIONS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ": "xz",
}
_CHUNK = 1 << 16
_UNPACK = "unpack the tar and ingest the folder"
# OSError: Arrow's for damaged gzip, bzip2 and zstd.
_DAMAGE = (TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)


class Tar:
    """A tar file, compressed or not, which may be read from any thread.

    Only the list of its members is in memory. A compressed one is unpacked into a temporary file
    when its first member is read.

    Raises:
        InputError: not a tar, or decompressing beyond the limits.
    """

    def __init__(self, path: Path) -> None:
        self.file = path
        self.name = path.name
        self._compression = _compression(path)
        self._places: dict[str, tuple[int, int]] = {}
        self._objections: dict[str, str] = {}
        self._list()
        self._packed = path.stat().st_size
        self._unpacked = sum(size for _, size in self._places.values())
        self.names = tuple(sorted(name for name in self._places if not hidden(name)))
        self.rejected = tuple(
            Rejected(name, objection)
            for name, objection in sorted(self._objections.items())
            if not hidden(name)
        )
        self._decoded = Decoded(self.names, self._packed)

    def _list(self) -> None:
        try:
            with _opened(self.file, self._compression) as stream:
                mode: Any = "r|" if self._compression else "r:"
                with tarfile.open(fileobj=stream, mode=mode, tarinfo=_Header) as tar:
                    while info := tar.next():
                        vars(tar)[
                            "members"
                        ].clear()  # else the headers of all members stay in memory
                        if not info.isdir():
                            self._add(info)
        except _DAMAGE as error:
            if not self._places:
                raise UnreadableFile(self.name, "it is not a tar, or it is damaged") from error
            last = next(reversed(self._places))
            start, size = self._places[last]
            if not self._compression and start + size > self.file.stat().st_size:
                del self._places[last]
                where = f"within {last}; the files before it were read"
            else:
                where = f"after {last}; the files up to there were read"
            self._objections[self.name] = f"it is truncated or damaged {where}"

    def _add(self, info: tarfile.TarInfo) -> None:
        written = printable(info.name).replace("\\", "/")
        objection = _objection(info, written)
        if objection:
            self._objections[written] = objection
        else:
            self._places[normpath(written)] = info.offset_data, info.size

    def files_in(self, folder: str) -> list[str]:
        """Names of the visible members directly in a folder."""
        return [name for name in self.names if dirname(name) == folder]

    def objection(self, name: str) -> str:
        """Why a member cannot be read; "" when it can."""
        if name in self._places:
            return ""
        return self._objections.get(name, "there is no such file in the tar")

    def read(self, name: str) -> bytes:
        """A member's bytes."""
        if objection := self.objection(name):
            raise UnreadableFile(name, objection)
        start, size = self._places[name]
        must_fit(name, size, self._packed if self._compression else size)
        try:
            if self._compression:
                unpacked = _unpacked(self.file, self._compression)
                with unpacked.lock:
                    unpacked.file.seek(start)
                    data = unpacked.file.read(size)
            else:
                with self.file.open("rb") as file:
                    file.seek(start)
                    data = file.read(size)
        except _DAMAGE as error:
            raise UnreadableFile(name, "it is damaged in the tar and cannot be read") from error
        if len(data) != size:
            raise UnreadableFile(name, "it is truncated in the tar")
        share = self._packed * size // max(self._unpacked, 1)
        self._decoded.add(name, data, share if self._compression else size)
        return data

    def path(self, name: str) -> str:
        """Members have no path on disk."""
        return ""

    def within(self, reference: str, base: str = "") -> str:
        """The member that a path refers to."""
        return within(reference, base)


def is_tar(name: str) -> bool:
    """Whether a file name has the suffix of a tar, compressed or not.

    >>> is_tar("00000.tar"), is_tar("flowers.TGZ"), is_tar("notes.gz")
    (True, True, False)
    """
    return name.lower().endswith(TAR_SUFFIXES)


class _Header(tarfile.TarInfo):
    """A header of a member; tarfile itself takes a damaged or missing one for the end."""

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Any:
        try:
            return super().fromtarfile(tarfile)
        except HeaderError as error:
            if str(error) == "end of file header":
                raise
            raise ReadError(str(error)) from error


class _Stream:
    """Decompressed bytes from the start, which end with an error where they become too many.

    Args:
        inner: has them.
        path: of the compressed file.
    """

    def __init__(self, inner: Any, path: Path) -> None:
        self._inner, self._name = inner, path.name
        self._packed, self._read = path.stat().st_size, 0

    def read(self, size: int) -> bytes:
        data: bytes = self._inner.read(size)
        self._read += len(data)
        if self._read > max(RATIO_FREE, MAX_RATIO * self._packed):
            raise UnreadableFile(self._name, bomb(self._read, self._packed))
        if self._read > MAX_TOTAL:
            raise UnreadableFile(self._name, f"it is too large. {_UNPACK}")
        return data


class _Unpacked:
    """A decompressed tar in a temporary file, which vanishes with the object."""

    def __init__(self, path: Path, compression: str) -> None:
        self.lock = Lock()
        with ExitStack() as stack:
            self.file = stack.enter_context(TemporaryFile())
            finalize(self, stack.pop_all().close)
        # What comes before a damage can be read.
        with suppress(*_DAMAGE), _opened(path, compression) as stream:
            copyfileobj(stream, self.file, _CHUNK)


_unpacked = lru_cache(maxsize=2)(_Unpacked)  # the shard that is read, and the one before


@contextmanager
def _opened(path: Path, compression: str) -> Iterator[Any]:
    """The decompressed bytes of a file, from the start."""
    if not compression:
        with path.open("rb") as file:
            yield file
    elif compression == "xz":
        with lzma.open(path) as file:
            yield _Stream(file, path)
    else:
        import pyarrow

        with pyarrow.input_stream(str(path), compression=compression) as file:
            yield _Stream(file, path)


def _compression(path: Path) -> str:
    """How a file is compressed, by its first bytes; "" when it is not."""
    with path.open("rb") as file:
        start = file.read(6)
    return next((name for magic, name in _COMPRESSIONS.items() if start.startswith(magic)), "")


def _objection(info: tarfile.TarInfo, name: str) -> str:
    if is_absolute(name) or ".." in name.split("/"):
        return "its name leads outside of the tar"
    if info.issym() or info.islnk():
        return f"it is a link, not a file; {_UNPACK}"
    if not info.isreg() or info.issparse():
        return "it is not an ordinary file"
    if info.size > MAX_MEMBER:
        return f"it has {size_of(info.size)}; allowed: {size_of(MAX_MEMBER)}"
    return ""

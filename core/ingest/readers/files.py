"""Trees of files: their interface, a folder on disk, and what a path in a table refers to."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from posixpath import join, normpath, splitext
from typing import Protocol

from core.errors import UnreadableFile
from core.types import Rejected

OUTSIDE = "its path leads outside of the folder"
# Left by operating systems, network drives and their trash; the @ folders hold thumbnails.
_SYSTEM_FILES = {
    "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "lost+found",
    "$recycle.bin", "system volume information", "#recycle", "@recycle", "@eadir", "#snapshot",
    "@tmp", "@sharebin", "@thumb",
}  # fmt: skip


class Tree(Protocol):
    """Files by name: a folder or a zip."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all visible files, sorted."""

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """Files that are not listed, with the reason."""

    def files_in(self, folder: str) -> list[str]:
        """Names of the visible files directly in a folder; "" is the top."""

    def objection(self, name: str) -> str:
        """Why a file cannot be read; "" when it can."""

    def read(self, name: str) -> bytes:
        """A file's bytes; UnreadableFile when it cannot be read."""

    def path(self, name: str) -> str:
        """Absolute path of a file; "" in a zip."""

    def within(self, reference: str, base: str = "") -> str:
        """The file that a path refers to when it is written in a file of the folder `base`."""


class Folder:
    """A folder on disk. Links are followed only to targets inside it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.name = self.root.name
        self._inside = lru_cache(maxsize=4096)(self._leads_inside)

    @cached_property
    def _listing(self) -> tuple[tuple[str, ...], tuple[Rejected, ...]]:
        names: list[str] = []
        rejected: list[Rejected] = []
        for name, objection in self._walk():
            if objection:
                rejected.append(Rejected(printable(name), objection))
            else:
                names.append(name)
        return tuple(sorted(names)), tuple(sorted(rejected, key=lambda r: r.name))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all visible files, sorted."""
        return self._listing[0]

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """Links that leave the folder, names that are not UTF-8, folders that cannot be opened."""
        return self._listing[1]

    def files_in(self, folder: str) -> list[str]:
        """Names of the visible files directly in a folder, without a walk through the others."""
        try:
            names = os.listdir(self.root / folder) if self._inside(folder) else []
        except OSError:
            return []
        return sorted(name for n in names if not hidden(name := join(folder, n)))

    def _walk(self) -> Iterator[tuple[str, str]]:
        """Every file with the objection to it, or "". Linked folders are not entered: no loops."""
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                entries = list(os.scandir(self.root / folder))
            except OSError as error:
                yield folder, f"it cannot be opened ({error.strerror})"
                continue
            for entry in entries:
                name = f"{folder}{entry.name}"
                if hidden(name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{name}/")
                elif entry.is_symlink():
                    yield from self._link(name)
                elif entry.is_file(follow_symlinks=False):
                    yield name, "" if name == printable(name) else "its name is not valid UTF-8"

    def _link(self, name: str) -> Iterator[tuple[str, str]]:
        target = self.root / name
        if not (target.is_dir() and self._leads_inside(name)):  # else it is listed as itself
            yield name, self.objection(name)

    def _leads_inside(self, name: str) -> bool:
        return Path(os.path.realpath(self.root / name)).is_relative_to(self.root)

    def objection(self, name: str) -> str:
        """Why a file cannot be read; "" when it can."""
        if hidden(name):  # a table may name it, which a visitor of the app has uploaded
            return "it is hidden, or in a hidden folder; move it or give it another name"
        try:
            mode = os.lstat(self.path(name)).st_mode
            if not self._inside(os.path.dirname(name)):
                return OUTSIDE
            if stat.S_ISLNK(mode):
                if not self._leads_inside(name):
                    return "it is a link that leads outside of the folder"
                mode = os.stat(self.root / name).st_mode
        except (OSError, ValueError):
            return "there is no such file"
        return "" if stat.S_ISREG(mode) else "it is not a file"

    def read(self, name: str) -> bytes:
        """A file's bytes."""
        if objection := self.objection(name):
            raise UnreadableFile(name, objection)
        try:
            return (self.root / name).read_bytes()
        except OSError as error:
            raise UnreadableFile(name, f"it cannot be read ({error.strerror})") from error

    def path(self, name: str) -> str:
        """Absolute path of a file."""
        return os.path.join(self.root, name)

    def within(self, reference: str, base: str = "") -> str:
        """The file that a path refers to."""
        if is_absolute(reference) and Path(reference).is_relative_to(self.root):
            return within(Path(reference).relative_to(self.root).as_posix())
        return within(reference, base)


def allowed(path: str | Path, root: Path | None) -> Path:
    """The path with all links followed.

    Raises:
        InputError: no such path, or outside `root`.
    """
    try:
        place = Path(path).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableFile(str(path), "there is no such file or folder") from error
    if root is not None and not place.is_relative_to(root.resolve()):
        raise UnreadableFile(str(path), f"it is not in {root}, the folder that may be read")
    return place


def within(reference: str, base: str = "") -> str:
    """The file that a path refers to from the folder `base` ("" or ending in a slash).

    Raises:
        UnreadableFile: a web address, an absolute path, or a path that leaves the tree.

    >>> within("./images/../a.jpg", "set/")
    'set/a.jpg'
    """
    if "://" in reference:
        raise UnreadableFile(reference, "it is a web address; download the image first")
    path = reference.replace("\\", "/")
    if is_absolute(path):
        raise UnreadableFile(reference, "its path is absolute and leads outside of the folder")
    name = normpath(base + path)
    if name == ".." or name.startswith("../") or "\0" in name:
        raise UnreadableFile(reference, OUTSIDE)
    return name


def is_absolute(path: str) -> bool:
    """Whether a path with forward slashes starts with a root or a drive."""
    return path.startswith("/") or re.match("[A-Za-z]:", path) is not None


def suffix(name: str) -> str:
    """The suffix of a file name, in lower case."""
    return splitext(name)[1].lower()


def hidden(name: str) -> bool:
    """Whether a file is hidden or left by a system: .DS_Store, __MACOSX/, Thumbs.db, @eaDir/.

    >>> hidden("a/.DS_Store"), hidden("a/b.jpg")
    (True, False)
    """
    parts = [part for part in name.split("/") if part != ".."]
    return any(part.startswith(".") or part.lower() in _SYSTEM_FILES for part in parts)


def printable(name: str) -> str:
    """A file name as text; invalid UTF-8 becomes the replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")

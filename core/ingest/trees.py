"""A folder and a zip are the same thing here: a tree of file names that can be read.

Names are relative with forward slashes, sorted. A name that leads out of the tree is refused before
a byte of it is read.
"""

from __future__ import annotations

import os
import re
from posixpath import normpath
from typing import Protocol

from core.errors import UnreadableFile
from core.types import Refusal

OUT = "its path leads out of the folder"
_SYSTEM_FILES = {"__macosx", "thumbs.db", "desktop.ini"}


class Tree(Protocol):
    """File names and their bytes."""

    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """Every visible file, sorted."""

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """What the listing had to leave out, and why."""

    def objection(self, name: str) -> str:
        """Why a file cannot be read; "" when it can."""

    def read(self, name: str) -> bytes:
        """A file's bytes; UnreadableFile when they cannot be had."""

    def path(self, name: str) -> str:
        """Absolute path of a file; "" when it lies in a zip."""

    def within(self, reference: str, base: str = "") -> str:
        """The name that a path means when it is written in a file of the folder `base`."""


def within(reference: str, base: str = "") -> str:
    """The name that a written path means, seen from the folder `base` ("" or ending in a slash).

    Raises:
        UnreadableFile: a web address, an absolute path, or a path that leads out of the tree.

    >>> within("./pictures/../a.jpg", "set/")
    'set/a.jpg'
    """
    if "://" in reference:
        raise UnreadableFile(reference, "it is a web address; download the picture first")
    path = reference.replace("\\", "/")
    if is_absolute(path):
        raise UnreadableFile(reference, "its path is absolute and leads out of the folder")
    name = normpath(base + path)
    if name == ".." or name.startswith("../") or "\0" in name:
        raise UnreadableFile(reference, OUT)
    return name


def is_absolute(path: str) -> bool:
    """Whether a path with forward slashes starts at a root or a drive."""
    return path.startswith("/") or re.match("[A-Za-z]:", path) is not None


def hidden(name: str) -> bool:
    """Files that systems leave behind and nobody means: .DS_Store, __MACOSX/, Thumbs.db.

    >>> hidden("a/.DS_Store"), hidden("a/b.jpg")
    (True, False)
    """
    parts = [part for part in name.split("/") if part != ".."]
    return any(part.startswith(".") or part.lower() in _SYSTEM_FILES for part in parts)


def printable(name: str) -> str:
    """A file name as text; bytes of it that are no UTF-8 are shown as a replacement character."""
    return os.fsencode(name).decode("utf-8", "replace")

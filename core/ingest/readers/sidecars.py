"""Text files beside images: a.txt or a.caption has the captions of a.jpg."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from posixpath import splitext

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.records import Aside, Entry, Note, Record
from core.ingest.readers.rows import Row
from core.ingest.readers.tables import lines, text_of
from core.types import Rejected

_SUFFIXES = (".caption", ".txt")
_LOOKED_AT = 20  # files that tell whether all of them are captions
_NUMBERS = 4  # in a line that describes a box


class Sidecars:
    """The text files of a tree that have the name of an image.

    Args:
        tree: has them.
        images: names of the images.
        names: of the files that may be; those of the tree.
    """

    def __init__(
        self, tree: Tree, images: Iterable[str], names: Iterable[str] | None = None
    ) -> None:
        self._tree = tree
        stems = {splitext(name)[0] for name in images}
        names = tree.names if names is None else names
        texts = sorted(name for name in names if suffix(name) in _SUFFIXES)
        # A .caption comes before the .txt of the same name, which may hold something else.
        self._files: dict[str, str] = {}
        self.names: list[str] = []
        for name in texts:
            if (stem := splitext(name)[0]) in stems:
                self.names.append(name)
                self._files.setdefault(stem, name)

    @classmethod
    def beside(cls, tree: Tree, image: str) -> Sidecars:
        """Those of one image, without a list of the tree."""
        names = [splitext(image)[0] + ending for ending in _SUFFIXES]
        return cls(tree, [image], [name for name in names if not tree.objection(name)])

    @cached_property
    def left_aside(self) -> tuple[Aside, ...]:
        """All of them, where the first ones have boxes or other numbers; those beside captions."""
        left = []
        files = list(self._files.values())
        looked_at = files[:_LOOKED_AT]
        if files and all(map(self._has_boxes, looked_at)):
            left.append(_group(files, "numbers, such as boxes, are no captions"))
            self._files = {}
        used = set(files)
        if others := [name for name in self.names if name not in used]:
            left.append(_group(others, "there is a .caption beside it"))
        return tuple(left)

    def _has_boxes(self, name: str) -> bool:
        try:
            return is_boxes(text_of(self._tree, name))
        except UnreadableFile:
            return False

    def complete(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Entries, with the captions of images that have none, and what is wrong with those."""
        boxes = []
        for entry in entries:
            file = self._file_of(entry)
            if isinstance(entry, Record) and file:
                captions, wrong, is_none = self._read(file)
                yield from wrong
                entry = replace(entry, captions=tuple(captions))
                boxes += [file] if is_none else []
            yield entry
        if boxes:
            files = "1 text file" if len(boxes) == 1 else f"{len(boxes):,} text files"
            what = "beside images were not read: numbers, such as boxes, are no captions"
            yield Note(f"{files} {what} (first: {boxes[0]}).")

    def _file_of(self, entry: Entry) -> str:
        if not isinstance(entry, Record) or entry.read is None or entry.captions:
            return ""
        return self._files.get(splitext(entry.name)[0], "")

    def _read(self, file: str) -> tuple[list[str], list[Rejected], bool]:
        """The captions in a file, its rejected lines, and whether it has boxes instead."""
        try:
            content = text_of(self._tree, file)
        except UnreadableFile as error:
            return [], [Rejected(file, error.reason)], False
        if is_boxes(content):
            return [], [], True
        rows = lines(file, content)
        captions = [c for row in rows if isinstance(row, Row) for c in row.captions]
        return captions, [row for row in rows if isinstance(row, Rejected)], False


def is_boxes(content: str) -> bool:
    """Whether a text is of numbers, as boxes of objects are in any form, and so no caption.

    >>> is_boxes("0 0.5 0.5 0.25 0.25"), is_boxes("Car 0.00 0 -1.57 599.41 156.40 629.75 189.25")
    (True, True)
    >>> is_boxes("Four numbers : 1 2 3 4 ."), is_boxes("1980s, 2 dogs"), is_boxes("")
    (False, False, False)
    """
    rows = [row for line in content.splitlines() if (row := re.split(r"[\s,;:]+", line.strip()))]
    filled = [row for row in rows if any(row)]
    if all(_number(word) for row in filled for word in row if word):
        return bool(filled)
    described = [row for row in filled if _describes_box(row)]
    return 2 * len(described) > len(filled)


def _describes_box(words: list[str]) -> bool:
    numbers = sum(map(_number, words))
    return numbers >= _NUMBERS and numbers >= 2 * (len(words) - numbers)


def _number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _group(names: list[str], reason: str) -> Aside:
    many = f"{len(names):,} files such as {names[0]}"
    return Aside(names[0] if len(names) == 1 else many, reason)

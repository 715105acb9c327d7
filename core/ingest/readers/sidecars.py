"""Files beside images: a.txt or a.caption has the captions of a.jpg, a.json its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from posixpath import splitext

from core.errors import UnreadableFile
from core.ingest.readers.cells import is_float
from core.ingest.readers.fields import field_roles, fields_of, row_beside
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.records import Aside, Entry, Note, ReadOptions, Record
from core.ingest.readers.rows import DETECT, Row
from core.ingest.readers.tables import lines, text_of
from core.types import Rejected

_TEXTS = (".caption", ".txt")
_LOOKED_AT = 20  # files that tell whether all of them are captions
_NUMBERS = 4  # in a line that describes a box
_NO_CAPTIONS = "numbers, such as boxes, are no captions"


class Sidecars:
    """The files of a tree that have the name of an image: captions as text, fields as JSON.

    Args:
        tree: has them.
        images: names of the images.
        options: which fields are captions and labels.
        names: of the files that may be; those of the tree.
    """

    def __init__(
        self,
        tree: Tree,
        images: Iterable[str],
        options: ReadOptions = DETECT,
        names: Iterable[str] | None = None,
    ) -> None:
        self._tree = tree
        self._options = options
        self._texts: dict[str, str] = {}
        self._fields: dict[str, str] = {}
        self.names: list[str] = []
        beside = [
            n
            for n in (tree.names if names is None else names)
            if n.lower().endswith((*_TEXTS, ".json"))
        ]
        stems = ((image, splitext(image)[0]) for image in images) if beside else ()
        owners = {owner: both[0] for both in stems for owner in both}
        # A .caption comes before the .txt of the same name, which may hold something else.
        for name in beside:
            if image := owners.get(splitext(name)[0]):
                self.names.append(name)
                files = self._fields if suffix(name) == ".json" else self._texts
                files.setdefault(image, name)

    @classmethod
    def beside(cls, tree: Tree, image: str, options: ReadOptions) -> Sidecars:
        """Those of one image, without a list of the tree."""
        endings = (*_TEXTS, ".json")
        names = [stem + end for stem in (image, splitext(image)[0]) for end in endings]
        there = sorted(name for name in names if not tree.objection(name))
        return cls(tree, [image], options, there)

    def __contains__(self, name: str) -> bool:
        """Whether a file is one of them."""
        return name in self._all

    @cached_property
    def _all(self) -> set[str]:
        return set(self.names)

    @cached_property
    def columns(self) -> dict[str, str]:
        """The roles of the fields in the first JSON file."""
        for name in self._fields.values():
            try:
                return field_roles(fields_of(self._tree, name), self._options)
            except UnreadableFile:
                continue
        return {}

    @cached_property
    def left_aside(self) -> tuple[Aside, ...]:
        """All texts, where the first ones have boxes or other numbers; those beside captions."""
        left = []
        texts = list(self._texts.values())
        if texts and all(map(self._has_boxes, texts[:_LOOKED_AT])):
            left.append(group(texts, _NO_CAPTIONS))
            self._texts = {}
        used = {*texts, *self._fields.values()}
        if others := [name for name in self.names if name not in used]:
            left.append(group(others, "another file beside the image is read instead"))
        return tuple(left)

    def _has_boxes(self, name: str) -> bool:
        try:
            return is_boxes(text_of(self._tree, name))
        except UnreadableFile:
            return False

    def complete(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Entries with what is beside their images, and what is wrong with it.

        Captions and labels are read where an image has none, attributes where it has no such one.
        """
        boxes: list[str] = []
        for entry in entries:
            if isinstance(entry, Record) and entry.read is not None:
                if (file := self._texts.get(entry.name)) and not entry.captions:
                    entry, bad = self._with_texts(entry, file, boxes)
                    yield from bad
                if file := self._fields.get(entry.name):
                    entry, bad = self._with_fields(entry, file)
                    yield from bad
            yield entry
        if boxes:
            files = "1 text file" if len(boxes) == 1 else f"{len(boxes):,} text files"
            yield Note(f"{files} beside images not read: {_NO_CAPTIONS} (first: {boxes[0]}).")

    def _with_fields(self, record: Record, file: str) -> tuple[Record, list[Rejected]]:
        try:
            row = row_beside(self._tree, file, self._options)
        except UnreadableFile as error:
            return record, [Rejected(file, error.reason)]
        captions, labels = record.captions or row.captions, record.labels or row.labels
        attributes = {**row.attributes, **record.attributes}
        record = replace(record, captions=captions, labels=labels, attributes=attributes)
        return record, list(row.rejected)

    def _with_texts(
        self, record: Record, file: str, boxes: list[str]
    ) -> tuple[Record, list[Rejected]]:
        try:
            content = text_of(self._tree, file)
        except UnreadableFile as error:
            return record, [Rejected(file, error.reason)]
        if is_boxes(content):
            boxes.append(file)
            return record, []
        rows = lines(file, content)
        captions = tuple(c for row in rows if isinstance(row, Row) for c in row.captions)
        return replace(record, captions=captions), [r for r in rows if isinstance(r, Rejected)]


def is_boxes(content: str) -> bool:
    """Whether a text is of numbers, as boxes of objects are in any form, and so no caption.

    >>> is_boxes("0 0.5 0.5 0.25 0.25"), is_boxes("Car 0.00 0 -1.57 599.41 156.40 629.75 189.25")
    (True, True)
    >>> is_boxes("Four numbers : 1 2 3 4 ."), is_boxes("1980s, 2 dogs"), is_boxes("")
    (False, False, False)
    """
    rows = [row for line in content.splitlines() if (row := re.split(r"[\s,;:]+", line.strip()))]
    filled = [row for row in rows if any(row)]
    if all(is_float(word) for row in filled for word in row if word):
        return bool(filled)
    described = [row for row in filled if _describes_box(row)]
    return 2 * len(described) > len(filled)


def _describes_box(words: list[str]) -> bool:
    numbers = sum(map(is_float, words))
    return numbers >= _NUMBERS and numbers >= 2 * (len(words) - numbers)


def group(names: Sequence[str], reason: str, instead: str = "") -> Aside:
    """Files that are left aside for one reason.

    >>> group(["a.xml", "b.xml"], "nothing reads it").name
    '2 files such as a.xml'
    """
    many = f"{len(names):,} files such as {names[0]}"
    return Aside(names[0] if len(names) == 1 else many, reason, instead)

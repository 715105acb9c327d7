"""Rows of a table joined with the images that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from posixpath import normpath

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree
from core.ingest.readers.records import Record
from core.ingest.readers.rows import Row, unique
from core.ingest.readers.tables import Rows
from core.types import Rejected


def join_rows(rows: Rows, tree: Tree, bases: Sequence[str]) -> list[Record | Rejected]:
    """One record per image, however many rows name it, and one per text without an image.

    Args:
        rows: of the table.
        tree: has the images.
        bases: folders that the paths may be relative to; the first that contains the image counts.
    """
    entries: list[Record | Rejected] = []
    images: dict[str, Record] = {}
    at: dict[str, int] = {}
    finder = _Finder(tree, bases)
    for row in rows:
        if isinstance(row, Rejected):
            entries.append(row)
            continue
        entries += row.rejected
        if not row.image:
            if row.captions:
                entries.append(_record(row, row.place))
            continue
        name, objection = finder.find(row.image)
        if objection:
            entries.append(Rejected(row.image, _reason(row, objection)))
        elif name in images:
            images[name] = _merged(images[name], row)
        else:
            at[name] = len(entries)
            read, source = partial(tree.read, name), tree.path(name)
            images[name] = replace(_record(row, name), read=read, source=source)
            entries.append(images[name])
    for name, place in at.items():
        entries[place] = images[name]
    return entries


class _Finder:
    """Finds the file that a path refers to; the base that worked last is tried first."""

    def __init__(self, tree: Tree, bases: Sequence[str]) -> None:
        self._tree = tree
        self._own = bases[0]
        self._bases = list(bases)
        self._found: dict[str, tuple[str, str]] = {}

    def find(self, reference: str) -> tuple[str, str]:
        """The file's name in the tree, and the objection to it or ""."""
        if reference not in self._found:
            self._found[reference] = self._look(reference)
        return self._found[reference]

    def _look(self, reference: str) -> tuple[str, str]:
        objections = []
        # A path to a parent folder is relative to the table's own folder.
        climbs = normpath(reference.replace("\\", "/")).startswith("..")
        for base in [self._own] if climbs else list(self._bases):
            try:
                name = self._tree.within(reference, base)
                objection = self._tree.objection(name)
            except UnreadableFile as error:
                objection = error.reason
            if not objection:
                self._bases.remove(base)
                self._bases.insert(0, base)
                return name, ""
            objections.append(objection)
        # The most helpful one: a path that leaves the folder, rather than no such file.
        return reference, next((o for o in objections if "no such" not in o), objections[0])


def _record(row: Row, name: str) -> Record:
    return Record(name, None, "", row.captions, row.labels, row.attributes)


def _merged(record: Record, row: Row) -> Record:
    """A further row of an image: captions and labels add up, attributes keep their first value."""
    return replace(
        record,
        captions=record.captions + row.captions,
        labels=unique(record.labels + row.labels),
        attributes={**row.attributes, **record.attributes},
    )


def _reason(row: Row, objection: str) -> str:
    """Why an image is missing; its captions are rejected too, as they would have no image."""
    reason = f"{objection} (named in {row.place})"
    if not row.captions:
        return reason
    many = "its caption is" if len(row.captions) == 1 else f"its {len(row.captions)} captions are"
    return f"{reason}; {many} rejected too"

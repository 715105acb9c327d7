"""A table's rows joined with the pictures that they name."""

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
    """One record a picture, however many rows name it, and one a lone text.

    Args:
        rows: what the table says.
        tree: where the pictures are.
        bases: folders that its paths may start from; the first that holds the picture counts.
    """
    entries: list[Record | Rejected] = []
    pictures: dict[str, Record] = {}
    at: dict[str, int] = {}
    finder = _Finder(tree, bases)
    for row in rows:
        if isinstance(row, Rejected):
            entries.append(row)
            continue
        entries += row.refused
        if not row.image:
            if row.captions:
                entries.append(_record(row, row.place))
            continue
        name, objection = finder.find(row.image)
        if objection:
            entries.append(Rejected(row.image, _left_out(row, objection)))
        elif name in pictures:
            pictures[name] = _merged(pictures[name], row)
        else:
            at[name] = len(entries)
            read, source = partial(tree.read, name), tree.path(name)
            pictures[name] = replace(_record(row, name), read=read, source=source)
            entries.append(pictures[name])
    for name, place in at.items():
        entries[place] = pictures[name]
    return entries


class _Finder:
    """Finds what a written path means; the base that worked last is tried first."""

    def __init__(self, tree: Tree, bases: Sequence[str]) -> None:
        self._tree = tree
        self._own = bases[0]
        self._bases = list(bases)
        self._found: dict[str, tuple[str, str]] = {}

    def find(self, reference: str) -> tuple[str, str]:
        """The name in the tree, and the objection to it or ""."""
        if reference not in self._found:
            self._found[reference] = self._look(reference)
        return self._found[reference]

    def _look(self, reference: str) -> tuple[str, str]:
        objections = []
        # A path that climbs means something only from the table's own folder.
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
        # The most telling one: a path that leads out of the folder, rather than no such file.
        return reference, next((o for o in objections if "no such" not in o), objections[0])


def _record(row: Row, name: str) -> Record:
    return Record(name, None, "", row.captions, row.labels, row.attributes)


def _merged(record: Record, row: Row) -> Record:
    """A picture's further row: captions and labels add up, attributes keep their first value."""
    return replace(
        record,
        captions=record.captions + row.captions,
        labels=unique(record.labels + row.labels),
        attributes={**row.attributes, **record.attributes},
    )


def _left_out(row: Row, objection: str) -> str:
    """Why a picture is not there; its captions would be texts that belong to nothing."""
    reason = f"{objection} (named in {row.place})"
    if not row.captions:
        return reason
    many = "its caption was" if len(row.captions) == 1 else f"its {len(row.captions)} captions were"
    return f"{reason}; {many} left out too"

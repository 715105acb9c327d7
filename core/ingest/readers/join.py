"""Rows of a table joined with the images that they name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from posixpath import dirname, normpath, splitext
from unicodedata import normalize

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.records import Entry, Note, Record
from core.ingest.readers.rows import Row, unique
from core.ingest.readers.tables import Rows
from core.types import Rejected


def join_rows(rows: Rows, tree: Tree, bases: Sequence[str]) -> list[Entry]:
    """One record per image, however many rows name it, and one per text without an image.

    Args:
        rows: of the table.
        tree: has the images.
        bases: folders that the paths may be relative to; the first that contains the image counts.
    """
    entries: list[Entry] = []
    images: dict[str, Record] = {}
    at: dict[str, int] = {}
    finder = _Finder(tree, bases)
    for row in rows:
        if isinstance(row, Rejected | Note):
            entries.append(row)
            continue
        entries += row.rejected
        if row.data is not None:
            entries.append(replace(_record(row, row.image), read=partial(bytes, row.data)))
            continue
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
    return entries + finder.notes()


class _Finder:
    """Finds the file that a path refers to; the base that worked last is tried first."""

    def __init__(self, tree: Tree, bases: Sequence[str]) -> None:
        self._tree = tree
        self._own = bases[0]
        self._bases = list(bases)
        self._found: dict[str, tuple[str, str]] = {}
        self._by_form: dict[str, dict[str, list[str]]] = {}
        self._near: list[tuple[str, str]] = []

    def find(self, reference: str) -> tuple[str, str]:
        """The file's name in the tree, and the objection to it or ""."""
        if reference not in self._found:
            self._found[reference] = self._look(reference)
        return self._found[reference]

    def _look(self, reference: str) -> tuple[str, str]:
        missing: list[str] = []
        objections: list[str] = []
        similar: list[str] = []
        # A path to a parent folder is relative to the table's own folder.
        climbs = normpath(reference.replace("\\", "/")).startswith("..")
        for base in [self._own] if climbs else list(self._bases):
            try:
                name = self._tree.within(reference, base)
            except UnreadableFile as error:
                objections.append(error.reason)
                continue
            objection = self._tree.objection(name)
            if not objection:
                self._bases.remove(base)
                self._bases.insert(0, base)
                return name, ""
            (missing if "no such" in objection else objections).append(objection)
            similar += self._similar(name) if "no such" in objection else []
        if len(similar) == 1 and not self._tree.objection(similar[0]):
            self._near.append((reference, similar[0]))
            return similar[0], ""
        if similar:
            return reference, f"{missing[0]}; similar names: {', '.join(similar)}"
        # The most helpful one: a path that leaves the folder, rather than no such file.
        return reference, (objections + missing)[0]

    def _similar(self, name: str) -> list[str]:
        """Images whose names differ only in case, Unicode form or a missing suffix."""
        folder = dirname(name)
        if folder not in self._by_form:
            forms: dict[str, list[str]] = {}
            for image in filter(is_image, self._tree.files_in(folder)):
                for form in (_form(image), _form(splitext(image)[0])):
                    forms.setdefault(form, []).append(image)
            self._by_form[folder] = forms
        return self._by_form[folder].get(_form(name), [])

    def notes(self) -> list[Note]:
        """How many images were found by a similar name."""
        if not self._near:
            return []
        many = "1 image was" if len(self._near) == 1 else f"{len(self._near):,} images were"
        written, name = self._near[0]
        how = "found by a name that differs in case, Unicode form or a missing suffix"
        return [Note(f"{many} {how} (first: {written} is {name}).")]


def _form(name: str) -> str:
    return normalize("NFC", name).casefold()


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

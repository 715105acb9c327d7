"""Rows of a table joined with the images that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import takewhile
from posixpath import basename, dirname, normpath, splitext
from typing import TypeAlias
from unicodedata import normalize

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree, is_absolute
from core.ingest.readers.forms import Table
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.records import Entry, Note, Record
from core.ingest.readers.rows import Row, unique
from core.types import Rejected

Part: TypeAlias = tuple[Table, Sequence[str]]  # a table, and the folders of its images


def join_tables(parts: Iterable[Part], tree: Tree, images: Sequence[str] = ()) -> list[Entry]:
    """One record per image, however many rows name it, and one per text without an image.

    Args:
        parts: tables, each with the folders that its paths may be relative to; the first that
            contains the image counts.
        tree: has the images.
        images: see `Finder`.
    """
    entries: list[Entry] = []
    records: dict[str, Record] = {}
    at: dict[str, int] = {}
    for table, bases in parts:
        finder = Finder(tree, bases, images)
        for row in table.rows:
            if isinstance(row, Rejected | Note):
                entries.append(row)
                continue
            entries += row.rejected
            entry = _entry(row, tree, finder)
            if isinstance(entry, Record) and row.image and row.data is None:
                if entry.name in records:
                    records[entry.name] = _merged(records[entry.name], row)
                    continue
                records[entry.name], at[entry.name] = entry, len(entries)
            if entry is not None:
                entries.append(entry)
        entries += finder.notes()
    for name, place in at.items():
        entries[place] = records[name]
    return entries


def each_row(part: Part, tree: Tree, images: Sequence[str] = ()) -> Iterator[Entry]:
    """One record per row of a table that has the images itself; nothing is kept in memory."""
    table, bases = part
    finder = Finder(tree, bases, images)
    for row in table.rows:
        if isinstance(row, Rejected | Note):
            yield row
        else:
            yield from row.rejected
            yield from filter(None, [_entry(row, tree, finder)])
    yield from finder.notes()


def _entry(row: Row, tree: Tree, finder: Finder) -> Record | Rejected | None:
    """The record of one row; None where there is nothing to record."""
    if row.data is not None:
        return replace(_record(row, row.image), read=partial(bytes, row.data))
    if not row.image:
        return _record(row, row.place) if row.captions else None
    name, objection = finder.find(row.image)
    if objection:
        return Rejected(row.image, _reason(row, objection))
    return replace(_record(row, name), read=partial(tree.read, name), source=tree.path(name))


class Finder:
    """Finds the file that a path refers to; the base that worked last is tried first.

    Args:
        tree: has the files.
        bases: folders that paths may be relative to.
        images: those among which a path that leads nowhere is looked for by its end.
    """

    def __init__(self, tree: Tree, bases: Sequence[str], images: Sequence[str] = ()) -> None:
        self._tree = tree
        self._images = images
        self._own = bases[0]
        self._bases = list(bases)
        self._found: dict[str, tuple[str, str]] = {}
        self._by_form: dict[str, dict[str, list[str]]] = {}
        self._near: list[tuple[str, str]] = []
        self._elsewhere: list[tuple[str, str]] = []
        self._parents = 0  # folders of an absolute path that are not in the tree

    def find(self, reference: str) -> tuple[str, str]:
        """The file's name in the tree, and the objection to it or ""."""
        if reference not in self._found:
            self._found[reference] = self._look(reference)
        return self._found[reference]

    def _look(self, reference: str) -> tuple[str, str]:
        name, objection = self._relative(reference)
        path = reference.replace("\\", "/")
        if not objection or "://" in path:
            return name, objection
        if is_absolute(path):
            # Of another computer, or from before the folder was moved: its end may be here.
            parts = path.split("/")[1:]
            counts = range(len(parts))
            for count in sorted(counts, key=lambda count: (count != self._parents, count)):
                inside, missing = self._relative("/".join(parts[count:]))
                if not missing:
                    self._parents = count
                    self._elsewhere.append((reference, inside))
                    return inside, ""
        elif "no such" not in objection or "similar" in objection:
            return name, objection
        found = self._by_end(path)
        if len(found) == 1:
            self._elsewhere.append((reference, found[0]))
            return found[0], ""
        if found:
            some = ", ".join(found[:3]) + (", ..." if len(found) > 3 else "")
            return name, f"{objection}; it may be one of {len(found):,}: {some}"
        return name, objection

    def _by_end(self, path: str) -> list[str]:
        """The images whose paths have the longest end in common with a path."""
        name, *parents = _form(path).split("/")[::-1]
        best = 0
        found: list[str] = []
        for image in self._by_basename.get(name, {}):
            pairs = zip(parents, _form(dirname(image)).split("/")[::-1], strict=False)
            length = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            if length >= best:
                found = [*(found if length == best else []), image]
                best = length
        return found

    @cached_property
    def _by_basename(self) -> dict[str, dict[str, None]]:
        by_name: dict[str, dict[str, None]] = {}
        for image in self._images:
            for name in (basename(image), splitext(basename(image))[0]):
                by_name.setdefault(_form(name), {})[image] = None
        return by_name

    def _relative(self, reference: str) -> tuple[str, str]:
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
        """How many images were found otherwise than by their path."""
        hows = {
            "a name that differs in case, Unicode form or a missing suffix": self._near,
            "the end of their path, in another folder": self._elsewhere,
        }
        notes = []
        for how, found in hows.items():
            if found:
                many = "1 image was" if len(found) == 1 else f"{len(found):,} images were"
                written, name = found[0]
                notes.append(Note(f"{many} found by {how} (first: {written} is {name})."))
        return notes


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

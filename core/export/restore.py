"""An export as a collection again: the same ids, pairs, tags and vectors."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

import numpy as np

from core.errors import BadParameter, UnreadableFile
from core.export.contents import Row
from core.export.manifest import KEY, Manifest
from core.export.write import FORMS
from core.ingest import IngestReport, decode, thumbnail
from core.types import Floats, Item, Passport, Progress, Rejected

if TYPE_CHECKING:
    from core.store import Collection

THREADS = 2
MOST_EXPANDED = 200  # times the size of a zip
TOLERANCE = 1e-3  # of unit length
FORM = "an export of Sextant"


def is_export(path: str | Path) -> bool:
    """Whether a path is what `write` has written, or a zip of that."""
    place = Path(path).expanduser()
    return bool(_tables_in(place)) or _form(place) is not None


def restore(
    collection: Collection, path: str | Path, root: Path | None, progress: Progress
) -> IngestReport:
    """Add the items of an export with everything that belongs to them.

    Existing items get the labels, attributes and vectors of the export.

    Args:
        collection: where they are stored.
        path: the export.
        root: when given, no image outside this folder is read.
        progress: called with (items done, 0); may raise to stop.

    Raises:
        InputError: it is damaged.
        PassportMismatch: the collection has vectors of that model that are not comparable.
    """
    place = Path(path).expanduser().resolve()
    if _tables_in(place):
        with TemporaryDirectory() as unpacked:
            inside = _unpack(place, Path(unpacked))
            return _restore(
                collection, inside, _Files(_folder(inside), Path(unpacked), passing=True), progress
            )
    return _restore(collection, place, _Files(_folder(place), root), progress)


def first_items(
    path: str | Path, root: Path | None, n: int
) -> list[tuple[Item | Rejected, tuple[str, ...]]]:
    """The first items of an export with their captions; images have their bytes, if readable.

    Args:
        path: the export.
        root: when given, no image outside this folder is read.
        n: how many.

    Raises:
        InputError: it is damaged.
    """
    place = Path(path).expanduser().resolve()
    if not _tables_in(place):
        return _first(place, _Files(_folder(place), root), n)
    with TemporaryDirectory() as unpacked:
        inside = _unpack(place, Path(unpacked))
        return _first(inside, _Files(_folder(inside), Path(unpacked), passing=True), n)


def _first(place: Path, files: _Files, n: int) -> list[tuple[Item | Rejected, tuple[str, ...]]]:
    form, manifest = _found(place)
    rows = islice(chain.from_iterable(form.read(place, manifest)), n)
    return [(files.read(row.item), tuple(row.captions)) for row in rows]


def _found(place: Path) -> tuple[ModuleType, Manifest]:
    found = _form(place)
    if found is None:
        raise UnreadableFile(place.name, "it is no export of Sextant")
    return found


def _folder(place: Path) -> Path:
    """The folder that paths in an export start from."""
    return place if place.is_dir() else place.parent


def _restore(
    collection: Collection, place: Path, files: _Files, progress: Progress
) -> IngestReport:
    form, manifest = _found(place)
    adding = _Adding(collection, manifest, files)
    done = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="decode") as pool:
        for rows in form.read(place, manifest):
            progress(done, 0)
            adding.add(rows, pool)
            done += len(rows)
    adding.end()
    progress(done, done)
    return adding.report


def _form(place: Path) -> tuple[ModuleType, Manifest] | None:
    for form in FORMS.values():
        manifest = form.manifest(place)
        if manifest is not None:
            return form, manifest
    return None


def _tables_in(place: Path) -> list[str]:
    """The tables, or folders of tars, of which a zip has the manifest."""
    if place.suffix.lower() != ".zip" or not place.is_file():
        return []
    try:
        with ZipFile(place) as file:
            names = [name for name in file.namelist() if name.count("/") < 2]
    except (OSError, BadZipFile):
        return []
    ends = (f".{KEY}.json", f"/{KEY}.json")
    return [name.removesuffix(end) for name in names for end in ends if name.endswith(end)]


def _unpack(place: Path, folder: Path) -> Path:
    """Unpack a zip into a folder; returns the export in it.

    Raises:
        UnreadableFile: it is damaged, or expands to far more than it holds.
    """
    try:
        with ZipFile(place) as file:
            size = sum(member.file_size for member in file.infolist())
            if size > MOST_EXPANDED * max(place.stat().st_size, 2**20):
                raise UnreadableFile(place.name, f"it would expand to {size / 2**30:,.1f} GB")
            file.extractall(folder)
    except (OSError, BadZipFile, RuntimeError, ValueError) as error:
        raise UnreadableFile(place.name, f"it cannot be unpacked ({error})") from error
    return (folder / _tables_in(place)[0]).resolve()


class _Files:
    """Images that an export names by their paths.

    Args:
        folder: that relative paths start from.
        root: nothing outside of it is read, unless None.
        passing: whether they will be gone, so that the store must copy them.
    """

    def __init__(self, folder: Path, root: Path | None, passing: bool = False) -> None:
        self._folder, self._root = folder, root and root.resolve()
        self._passing = passing

    def read(self, item: Item) -> Item | Rejected:
        """An image with its bytes and absolute path; or why there are none."""
        if item.payload or not item.source:
            return replace(item, source="")
        try:
            file = (self._folder / item.source).resolve(strict=True)
            if self._root is not None and not file.is_relative_to(self._root):
                reason = f"its file is not in {self._root}, the folder that may be read"
                return Rejected(item.name, reason)
            source = "" if self._passing else str(file)
            return replace(item, payload=file.read_bytes(), source=source)
        except (OSError, ValueError, RuntimeError):
            return Rejected(item.name, f"its file cannot be read ({item.source})")


class _Adding:
    """Batch after batch into the collection."""

    def __init__(self, collection: Collection, manifest: Manifest, files: _Files) -> None:
        self._collection, self._files = collection, files
        self._passports = [_stored(collection, p) for p in manifest.passports]
        self._known = collection.item_ids()
        self._deleted = collection.edits.deleted()
        self._new: set[str] = set()
        # Captions that have no row of their own, by id.
        self._captions: dict[str, str] = {}
        self._tags: dict[str, list[tuple[str, ...]]] = {}
        self._without: list[Rejected] = []
        self.report = IngestReport(collection.name, form=FORM)

    def add(self, rows: Iterable[Row], pool: ThreadPoolExecutor) -> None:
        """Add a batch."""
        rows = [row for row in rows if row.item.id not in self._deleted]
        loaded = dict(zip((r.item.id for r in rows), pool.map(self._load, rows), strict=True))
        items = [item for item, _, _ in loaded.values()]
        self._without += [wrong for _, _, wrong in loaded.values() if wrong]
        new = [item for item in items if item.id not in self._known]
        self._count(items, new)
        # A caption may have its row in a later batch: its pair is written before it.
        pairs = [(row.item.id, text) for row in rows for text in row.pairs]
        webp = {item.id: image for item, image, _ in loaded.values() if image}
        self._collection.add(new, pairs, {i.id: webp[i.id] for i in new if i.id in webp})
        self._update([item for item in items if item.id in self._known])
        self._known.update(item.id for item in new)
        self._new.update(item.id for item in new)
        for row in rows:
            self._later(row)
        for at, passport in enumerate(self._passports):
            self._vectors(rows, at, passport)

    def end(self) -> None:
        """Add captions without a row, and tags; report what could not be read."""
        missing = [
            Item("text", text.encode(), _line(text), id=id_)
            for id_, text in self._captions.items()
            if id_ not in self._known and id_ not in self._deleted
        ]
        if missing:
            self._collection.add(missing)
            self._count(missing, missing)
        for tag, targets in self._tags.items():
            self._collection.tags.add(tag, targets)
        if self._without:
            n, first = len(self._without), self._without[0]
            are = "1 image is" if n == 1 else f"{n:,} images are"
            self.report.notes.append(
                f"{are} stored without pixels (first: {first.name}: {first.reason})."
            )
        self._collection.optimize()

    def _load(self, row: Row) -> tuple[Item, bytes, Rejected | None]:
        """The item, its thumbnail, and why it has no pixels."""
        if row.item.kind == "text":
            return row.item, b"", None
        item = self._files.read(row.item)
        if isinstance(item, Rejected):
            return replace(row.item, payload=b"", source=""), b"", item
        if not item.payload:
            return item, b"", None
        try:
            return item, thumbnail(decode(item.payload, item.name)), None
        except UnreadableFile as error:
            bare = replace(item, payload=b"", source="")
            return bare, b"", Rejected(error.name, error.reason)

    def _count(self, items: list[Item], new: list[Item]) -> None:
        images = sum(item.kind == "image" for item in new)
        self.report.images += images
        self.report.texts += len(new) - images
        self.report.repeated += [item.name for item in items if item.id in self._known]

    def _update(self, items: list[Item]) -> None:
        stored = self._collection.items([item.id for item in items])
        changed = [
            replace(new, payload=old.payload, source=new.source or old.source)
            for old, new in zip(stored, items, strict=True)
            if (old.name, old.labels, old.attributes) != (new.name, new.labels, new.attributes)
        ]
        self._collection.update(changed)
        self.report.updated += len(changed)
        self.report.unchanged += len(items) - len(changed)

    def _later(self, row: Row) -> None:
        self._captions |= zip(row.pairs, row.captions, strict=False)
        for tag in row.tags:
            self._tags.setdefault(tag, []).append((row.item.id,))
        for text, tags in zip(row.pairs, row.pair_tags, strict=False):
            for tag in tags:
                self._tags.setdefault(tag, []).append((row.item.id, text))

    def _vectors(self, rows: list[Row], at: int, passport: Passport) -> None:
        known = [(r.item.id, v) for r in rows if (v := r.vectors[at]) is not None]
        if not known:
            return
        matrix: Floats = np.stack([vector for _, vector in known]).astype(np.float32)
        lengths = np.linalg.norm(matrix, axis=1)
        if not (np.abs(lengths - 1) < TOLERANCE).all():
            raise BadParameter("A vector of the export", "not of length 1", "unit vectors")
        self._collection.write_vectors(passport, [id_ for id_, _ in known], matrix, replace=True)


def _stored(collection: Collection, passport: Passport) -> Passport:
    """The passport under which the collection has vectors of that model, if it has any."""
    for stored in collection.passports():
        if stored.model == passport.model:
            stored.check(passport)
            return stored
    return passport


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:199].rstrip()}…"

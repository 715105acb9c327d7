"""A collection, or a part of it, as files for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from io import BytesIO
from math import isfinite
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

from core import export as _export
from core.errors import InputError
from core.export import Exported
from core.types import Filter, Hit, Passport, Progress, Query, Value
from core.workbench.jobs import begin_step
from core.workbench.recipes import repaired
from core.workbench.search import search

if TYPE_CHECKING:
    from core.store import EncodedCollection
    from core.workbench.collections import Workbench

BEST = 1000  # hits of a query that nothing says the matches of; as many are read at a time


def no_progress(done: int, total: int) -> None:
    """For callers that do not watch."""


def export_forms() -> dict[str, str]:
    """The forms of an export with a line on each."""
    return {name: str(form.ABOUT) for name, form in _export.FORMS.items()}


def export_place(name: str, form: str) -> str:
    """The usual name of the file or folder of an export.

    >>> export_place("pets", "csv"), export_place("pets", "folder")
    ('pets.csv', 'pets')
    """
    return f"{name}{_export.FORMS[form].SUFFIX}" if form in _export.FORMS else name


def export(
    bench: Workbench,
    name: str,
    form: str,
    place: str | Path,
    *,
    filters: Sequence[Filter] = (),
    query: Query | None = None,
    ids: Sequence[str] | None = None,
    k: int = 0,
    encoder: str | None = None,
    recipe: str = "",
    vectors: bool = True,
    progress: Progress = no_progress,
) -> Exported:
    """Write items with their texts, labels, tags, attributes, pairs and vectors.

    Ingesting an export gives the same items again.

    Args:
        bench: the workbench.
        name: the collection.
        form: one of `export_forms`.
        place: the file or folder to write, which must not exist.
        filters: only items that pass; captions go with the images they belong to.
        query: only its hits, best first, with their scores: all strong and likely matches, or the
            best 1,000 where nothing says what matches.
        ids: only these items, in this order.
        k: of a query, the best k in place of the matches.
        encoder: the one encoder that is searched with, and whose vectors are exported; without,
            all are exported.
        recipe: a stored recipe that repairs the vectors of one encoder, by default the first; their
            passport names both.
        vectors: whether to export any.
        progress: called with (items done, all items); may raise to stop.

    Raises:
        InputError: nothing to export, or the place is taken.
    """
    begin_step(progress, "exporting", unit="items")
    collection = bench.home.open(name)
    models = (encoder,) if encoder else bench.encoders(name)
    models = models[:1] if recipe else models
    if query is not None and not models:
        raise InputError(f"'{name}' has no vectors to search. Leave out the query.")
    read = models if vectors else models[: query is not None]
    opened = [bench.open(name, model) for model in read]
    if recipe:
        opened = [repaired(one, recipe) for one in opened]
    hits = _hits(opened[0], query, filters, k) if query is not None else {}
    if ids is None:
        ids = list(hits) if query is not None else _passing(bench, name, filters)
    of_encoders = [(_passport(one, recipe), one.space) for one in opened] if vectors else []
    contents = _export.Contents(collection, ids, of_encoders, hits, progress)
    return _export.write(contents, form, Path(place).expanduser())


def _passport(opened: EncodedCollection, recipe: str) -> Passport:
    """How the vectors were computed: that of repaired ones names the recipe too."""
    if not recipe:
        return opened.passport
    return replace(
        opened.passport, model=f"{opened.passport.model} + {recipe}", weights="",
        configuration="", preprocessing=f"recipe {opened.recipe}", d=opened.space.d,
    )  # fmt: skip


def exported_file(
    bench: Workbench, name: str, form: str, *, ids: Sequence[str], vectors: bool = True
) -> bytes:
    """An export of some items as the bytes of one file: the file itself, or a zip of all files."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "export" / export_place(name, form)
        export(bench, name, form, place, ids=ids, vectors=vectors)
        return _one_file(place.parent)


@dataclass(frozen=True)
class SavedExport:
    """An export in the home: its folder, its file or folder there, and when it was made.

    `made` are seconds since 1970.
    """

    folder: Path
    place: Path
    made: float

    @property
    def size(self) -> int:
        """Its bytes; looks at every file."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    @property
    def is_file(self) -> bool:
        """Whether it is one file, and no table with files beside it."""
        return self.place.is_file() and len(list(self.folder.iterdir())) == 1

    def read(self) -> bytes:
        """Its file, or a zip of all its files."""
        return _one_file(self.folder)


def save_export(
    bench: Workbench, name: str, form: str, *, vectors: bool, progress: Progress = no_progress
) -> Exported:
    """Export a whole collection into the home; see `saved_exports`."""
    folder = _exports(bench, name) / f"{datetime.now():%Y-%m-%d %H.%M.%S} {form}"
    place = folder / export_place(name, form)
    return export(bench, name, form, place, vectors=vectors, progress=progress)


def saved_exports(bench: Workbench, name: str) -> tuple[SavedExport, ...]:
    """The exports of a collection in the home, newest first."""
    found = []
    for folder in _exports(bench, name).glob("*"):
        places = [p for p in folder.iterdir() if not p.name.startswith(".")]
        shortest = min(places, key=lambda place: len(place.name), default=None)
        if shortest:
            found.append(SavedExport(folder, shortest, folder.stat().st_mtime))
    return tuple(sorted(found, key=lambda one: -one.made))


def delete_exports(bench: Workbench, name: str) -> None:
    """Delete the exports of a collection in the home."""
    rmtree(_exports(bench, name), ignore_errors=True)


def rename_exports(bench: Workbench, name: str, to: str) -> None:
    """Keep the exports of a collection that got another name, unless that one has some."""
    before, after = _exports(bench, name), _exports(bench, to)
    if before.is_dir() and not after.exists():
        before.rename(after)


def delete_export(saved: SavedExport) -> None:
    """Delete an export in the home."""
    rmtree(saved.folder, ignore_errors=True)


def _exports(bench: Workbench, name: str) -> Path:
    return bench.folder / "exports" / f"{name} exports"  # never ".."


def _one_file(folder: Path) -> bytes:
    """The only file of a folder, or a zip of all."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if len(files) == 1 and files[0].parent == folder:
        return files[0].read_bytes()
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as file:
        for path in files:
            file.write(path, path.relative_to(folder).as_posix())
    return packed.getvalue()


def _passing(bench: Workbench, name: str, filters: Sequence[Filter]) -> list[str]:
    """The items that pass, oldest first; captions go with their images, as in `subset`."""
    collection = bench.home.open(name)
    ids = collection.ids()
    if not filters:
        return ids
    passes = {i for i, ok in zip(ids, collection.mask(filters, ids), strict=True) if ok}
    if not {f.field for f in filters} & {"kind", "text"}:
        passes |= {text for image, texts in collection.pairs().items() if image in passes
                   for text in texts}  # fmt: skip
    return [id_ for id_ in ids if id_ in passes]


def _hits(
    opened: EncodedCollection, query: Query, filters: Sequence[Filter], k: int
) -> dict[str, Mapping[str, Value]]:
    """Scores of the hits by id, best first."""
    query = replace(query, filters=(*query.filters, *filters), start=0, k=k or BEST)
    found = search(opened, query)
    hits = list(found.hits)
    if found.matches is not None and not k:
        hits = [hit for hit in hits if hit.match]
        # They are the best of each kind, between hits of the other.
        while len(hits) < found.matches and query.start + BEST < opened.space.n:
            query = replace(query, start=query.start + BEST)
            hits += [hit for hit in search(opened, query).hits if hit.match]
    if not hits:
        raise InputError(f"No item matches the query. {found.sentence}")
    return {hit.id: _scores(hit) for hit in hits}


def _scores(hit: Hit) -> dict[str, Value]:
    values = asdict(hit)
    return {
        name: value
        for name, value in values.items()
        if name not in ("id", "row") and not (isinstance(value, float) and not isfinite(value))
    }

"""Files of rows: every form of them, and the one that a file is of."""

from __future__ import annotations

from posixpath import basename, splitext
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.coco import COCO, KARPATHY, OBJECTS, folders_around
from core.ingest.readers.delimited import CSV, FLICKR8K, FLICKR30K, OPEN_CLIP
from core.ingest.readers.fiftyone import FIFTYONE
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.forms import Table, TableForm
from core.ingest.readers.join import each_row, join_tables
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.parquet import PARQUET
from core.ingest.readers.records import Note, Reading, ReadOptions, Record, Source
from core.ingest.readers.rows import EXPECTED
from core.ingest.readers.tables import JSON_LINES, LINES

# The first that recognizes a file reads it.
TABLES: tuple[TableForm, ...] = (
    JSON_LINES, PARQUET, COCO, KARPATHY, FIFTYONE, OBJECTS, FLICKR8K, FLICKR30K, OPEN_CLIP, CSV,
    LINES,
)  # fmt: skip


def table_of(
    tree: Tree, file: str, options: ReadOptions, *, alone: bool = False
) -> tuple[TableForm, Table]:
    """A file's rows by the first form that recognizes it, or by the form that was asked for.

    Args:
        tree: has the file.
        file: its name there.
        options: see `ReadOptions`.
        alone: whether the file was given by its own path.

    Raises:
        UnreadableFile: none of the forms.
    """
    name = basename(file)
    asked = [form for form in TABLES if form.name == options.form]
    forms = asked or [f for f in TABLES if suffix(file) in f.suffixes and (alone or not f.alone)]
    loaded: dict[Any, Any] = {}
    for form in forms:
        if form.load not in loaded:
            loaded[form.load] = form.load(tree, file)
        if asked or form.recognizes(name, loaded[form.load]):
            return form, form.table(name, loaded[form.load], options)
    if not alone:
        raise UnreadableFile(name, "it is no table of images or captions")
    titles = "; ".join(form.title for form in forms)
    raise UnreadableFile(name, f"it is none of: {titles}. {EXPECTED}")


def table_file(tree: Tree, file: str, options: ReadOptions, stored: Tree | None = None) -> Source:
    """A table by its own path: only the images and texts that it names.

    Args:
        tree: has the table, and the images beside it.
        file: the table.
        options: how it is to be read.
        stored: the images that are meant where none of the table's lies beside it.
    """
    form, table = table_of(tree, file, options, alone=True)
    part = (table, bases_of(file))
    reading = Reading(form.name, table.columns, table.left_aside)
    name = basename(file)
    if table.count:
        return Source(name, table.count, lambda: each_row(part, tree), reading)
    # Beside the folder of the table, as in Flickr8k, images are found by their names.
    images = [name for name in tree.names if is_image(name)] if "/" in file else []
    entries = join_tables([part], tree, images)
    if stored is not None and not any(isinstance(e, Record) and e.read for e in entries):
        joined = join_tables([part], stored, stored.names)
        if any(isinstance(e, Record) and e.read for e in joined):
            entries = [Note(f"The images are those that '{stored.name}' has."), *joined]
    if all(isinstance(entry, Note) for entry in entries):
        raise UnreadableFile(name, f"it has no rows. {EXPECTED}")
    total = sum(isinstance(entry, Record) for entry in entries)
    return Source(name, total, lambda: entries, reading)


def bases_of(file: str, top: str = "") -> tuple[str, ...]:
    """Folders that paths in a table may be relative to: around the file, then around the top."""
    if suffix(file) == ".json":
        return folders_around(file)
    folder = file[: -len(basename(file))]
    around = [
        f"{place}{images}" for place in (folder, top) for images in ("", "images/", "Images/")
    ]
    return tuple(dict.fromkeys([*around, f"{splitext(file)[0]}/"]))

"""A folder or zip: the rows of the table at its top, and every image that no row names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from posixpath import basename, dirname, splitext
from typing import Any

from core.errors import UnreadableFile
from core.ingest.readers.coco import COCO, KARPATHY, OBJECTS, folders_around
from core.ingest.readers.delimited import CSV, FLICKR8K, FLICKR30K, OPEN_CLIP
from core.ingest.readers.fiftyone import FIFTYONE
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.forms import SourceForm, Table, TableForm
from core.ingest.readers.join import Part, each_row, join_tables
from core.ingest.readers.loose_images import SPLITS, is_image, loose_images
from core.ingest.readers.parquet import PARQUET
from core.ingest.readers.records import Aside, Entry, Note, Reading, ReadOptions, Record, Source
from core.ingest.readers.rows import DETECT, EXPECTED
from core.ingest.readers.tables import JSON_LINES, LINES, with_split
from core.types import Rejected

# The first that recognizes a file reads it.
TABLES: tuple[TableForm, ...] = (
    JSON_LINES, PARQUET, COCO, KARPATHY, FIFTYONE, OBJECTS, FLICKR8K, FLICKR30K, OPEN_CLIP, CSV,
    LINES,
)  # fmt: skip
SUPPORTED = (
    "a folder or zip of images, items.jsonl, CSV, TSV or Parquet with image and caption columns, "
    "COCO captions JSON, a .txt of captions, or one image"
)
# In a folder these are tables; a .json or .txt may be anything, so a few of them are tried, and a
# folder full of them (one beside each image) is not.
_TABLES = {".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"}
_TEXTS = {".txt", ".token"}
_FEW = 10


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
    asked = [form for form in TABLES if form.name == options.form]
    forms = asked or [f for f in TABLES if suffix(file) in f.suffixes and (alone or not f.alone)]
    loaded: dict[Any, Any] = {}
    for form in forms:
        if form.load not in loaded:
            loaded[form.load] = form.load(tree, file)
        if asked or form.recognizes(basename(file), loaded[form.load]):
            return form, form.table(basename(file), loaded[form.load], options)
    titles = ", ".join(form.title for form in forms)
    raise UnreadableFile(basename(file), f"it is none of: {titles}. {EXPECTED}")


def table_file(tree: Tree, file: str, options: ReadOptions) -> Source:
    """A table by its own path: only the images and texts that it names."""
    form, table = table_of(tree, file, options, alone=True)
    part = (table, bases_of(file))
    reading = Reading(form.name, table.columns, table.left_aside)
    name = basename(file)
    if table.count:
        return Source(name, table.count, lambda: each_row(part, tree), reading)
    entries = join_tables([part], tree)
    if all(isinstance(entry, Note) for entry in entries):
        raise UnreadableFile(name, f"it has no rows. {EXPECTED}")
    return Source(name, _count(entries), lambda: entries, reading)


def whole(tree: Tree, file: str, options: ReadOptions) -> Source:
    """All images of a tree, with the captions, labels and attributes of the table at its top."""
    top = top_of(tree.names)
    tables, unusable, notes = _find_tables(tree, top, options)
    parts: list[Part] = [(table, bases_of(file)) for file, _, table in tables]
    listed = join_tables([part for part in parts if part[0].count is None], tree)
    streams = [part for part in parts if part[0].count is not None]
    named = {entry.name for entry in listed if isinstance(entry, Record)}
    rest = [n for n in tree.names if is_image(n) and n not in named]
    rejected = [*tree.rejected, *(r for r in unusable if suffix(r.name) in _TABLES), *_zips(tree)]
    if not rest and not streams and all(isinstance(entry, Note) for entry in listed):
        if unusable:
            raise UnreadableFile(unusable[0].name, unusable[0].reason)
        if not rejected:
            reason = f"it has no images and no captions. Supported: {SUPPORTED}"
            raise UnreadableFile(tree.name, reason)
    left = [
        *(aside for _, _, table in tables for aside in table.left_aside),
        *(Aside(r.name, r.reason) for r in unusable),
    ]
    # Any .json or .txt may have been no table at all.
    notes += [
        Note(f"{r.name} was not read as a table: {r.reason}.")
        for r in unusable
        if suffix(r.name) not in _TABLES
    ]
    labeled_from = None if tables else top

    def entries() -> Iterator[Entry]:
        rows = chain.from_iterable(each_row(part, tree) for part in streams)
        return chain(rejected, notes, listed, rows, loose_images(tree, rest, labeled_from))

    total = _count(listed) + sum(table.count or 0 for table, _ in streams) + len(rest)
    columns: Mapping[str, str] = {}
    for _, _, table in tables:
        columns = {**table.columns, **columns}
    form = tables[0][1].name if tables else FOLDER.name
    return Source(tree.name, total, entries, Reading(form, columns, tuple(dict.fromkeys(left))))


Found = tuple[str, TableForm, Table]


def _find_tables(
    tree: Tree, top: str, options: ReadOptions
) -> tuple[list[Found], list[Rejected], list[Note]]:
    """The table at the top of a tree, perhaps in parts, with its rows; those that are not read."""
    main = f"{top}items.jsonl"
    if main in tree.names:
        return [(main, *table_of(tree, main, options))], [], []
    tables: list[Found] = []
    files, unusable = _candidates(tree, top)
    for file in files:
        try:
            tables.append((file, *table_of(tree, file, options)))
        except UnreadableFile as error:
            unusable.append(Rejected(file, error.reason))
    if options != DETECT and not tables:
        reason = "it has no table to which the options for columns, separator or form apply"
        first = unusable[0] if unusable else Rejected(tree.name, reason)
        raise UnreadableFile(first.name, first.reason)
    if len(tables) < 2:
        return tables, unusable, []
    names = ", ".join(file for file, _, _ in tables)
    parts = [_part(basename(file)) for file, _, _ in tables]
    if len({of for of, _ in parts}) > 1:
        raise UnreadableFile(tree.name, f"it has several tables ({names}). Ingest one by its path")
    if len({split for _, split in parts}) > 1:
        tables = [
            (file, form, with_split(table, split))
            for (file, form, table), (_, split) in zip(tables, parts, strict=True)
        ]
    return tables, unusable, [Note(f"{len(tables)} tables were read as parts of one: {names}.")]


def _candidates(tree: Tree, top: str) -> tuple[list[str], list[Rejected]]:
    """Files that may be the table, captions first among COCO's, and those that are not tried."""
    images = {splitext(n)[0] for n in tree.names if is_image(n)}
    here = [n for n in tree.names if n.startswith(top) and "/" not in n[len(top) :]]
    here = [n for n in here if splitext(n)[0] not in images]  # those belong to one image
    below = [n for n in tree.names if n.startswith(f"{top}annotations/")]
    json = [n for n in here + below if suffix(n) == ".json"]
    captions = [n for n in json if basename(n).startswith("captions")]
    instead = f"{captions[0]} was read instead" if captions else ""
    aside = [Rejected(n, instead) for n in json if captions and n not in captions]
    tried = [n for n in here if suffix(n) in _TABLES]
    for files in (captions or json, [n for n in here if suffix(n) in _TEXTS]):
        if len(files) <= _FEW:
            tried += files
        else:
            aside.append(Rejected(files[0], f"it is one of {len(files)} such files; too many"))
    return tried, aside


def _part(name: str) -> tuple[str, str]:
    """What a table is a part of, and its split or "".

    >>> _part("train-00000-of-00002.parquet"), _part("00001.parquet")
    (('.parquet', 'train'), ('.parquet', ''))
    """
    words = re.findall("[a-z]+", splitext(name)[0].lower())
    split = next((SPLITS[word] for word in words if word in SPLITS), "")
    kept = [word for word in words if word not in SPLITS and word != "of"]
    return "-".join(kept) + suffix(name), split


def _zips(tree: Tree) -> Iterator[Rejected]:
    reason = "it is a zip inside the source; ingest it by its own path"
    return (Rejected(name, reason) for name in tree.names if suffix(name) == ".zip")


def bases_of(file: str) -> tuple[str, ...]:
    """Folders that paths in a table may be relative to."""
    if suffix(file) == ".json":
        return folders_around(file)
    folder = file[: -len(basename(file))]
    return folder, f"{folder}images/", f"{folder}Images/", f"{splitext(file)[0]}/"


def top_of(names: Sequence[str]) -> str:
    """The folder that contains everything, "" or ending in a slash.

    >>> top_of(["set/items.jsonl", "set/images/1.jpg"])
    'set/'
    """
    parents = {tuple(folder.split("/")) if folder else () for folder in map(dirname, names)} or {()}
    first, last = min(parents), max(parents)
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return "".join(f"{part}/" for part in first[:shared])


def _count(entries: Iterable[Entry]) -> int:
    return sum(isinstance(entry, Record) for entry in entries)


def _one_image(tree: Tree, file: str, options: ReadOptions) -> Source:
    entries = list(loose_images(tree, [file], None))
    return Source(file, 1, lambda: entries, Reading(IMAGE.name))


IMAGE = SourceForm(
    name="image",
    title="One image",
    recognized="The path of one image.",
    taken="The image; lines of a .txt or .caption file of the same name are its captions.",
    example="a.jpg",
    recognizes=lambda tree, file: is_image(file),
    read=_one_image,
)
FOLDER = SourceForm(
    name="folder",
    title="Folder or zip of images",
    recognized="Any folder or zip; with a table at its top, that table is read too.",
    taken=(
        "Every image. Without a table, folders are labels, train, val and test are splits, and "
        "the lines of a.txt or a.caption beside a.jpg are its captions."
    ),
    example="train/cat/a.jpg\ntrain/dog/b.jpg\nval/cat/c.jpg",
    recognizes=lambda tree, file: not file,
    read=whole,
)

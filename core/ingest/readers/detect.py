"""The source at a path: detects its format and reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from posixpath import basename, dirname, splitext

from core.errors import UnreadableFile
from core.ingest.readers.coco import coco, folders_around
from core.ingest.readers.delimited import delimited, headed, text
from core.ingest.readers.files import Folder, Tree, suffix
from core.ingest.readers.join import join_rows
from core.ingest.readers.loose_images import SPLITS, is_image, loose_images
from core.ingest.readers.records import Entry, Note, Record, Source
from core.ingest.readers.rows import EXPECTED
from core.ingest.readers.tables import Rows, json_lines, parquet, with_split
from core.ingest.readers.zips import Zip
from core.types import Rejected

FORMATS = (
    "a folder or zip of images, items.jsonl, CSV, TSV or Parquet with image and caption columns, "
    "COCO captions JSON, a .txt of captions, or one image"
)
_READERS: dict[str, Callable[[str, bytes], Rows]] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".csv": delimited,
    ".tsv": delimited,
    ".parquet": parquet,
    ".json": coco,
    ".txt": text,
    ".token": text,
}
# In a folder these are tables; a .json or .txt may be anything, so a few of them are tried, and a
# folder full of them (one beside each image) is not.
_TABLES = {".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"}
_TEXTS = {".txt", ".token"}
_FEW = 10


def read(path: str | Path, root: Path | None = None) -> Source:
    """Detect the format of a source and read it.

    A folder or zip yields all its images, with the captions, labels and attributes of the table at
    its top. A table by its own path yields only the images and texts that it names.

    Args:
        path: a folder or a file.
        root: when given, nothing outside this folder is read.

    Raises:
        InputError: no such path, outside `root`, or none of the formats.
    """
    place = allowed(path, root)
    if place.is_dir():
        return _whole(Folder(place), str(path))
    if suffix(place.name) == ".zip":
        return _whole(Zip(place), str(path))
    folder = Folder(place.parent)
    if is_image(place.name):
        entries = list(loose_images(folder, [place.name], None))
        return Source(place.name, 1, lambda: entries)
    if suffix(place.name) not in _READERS:
        raise UnreadableFile(place.name, f"its format is not supported. Supported: {FORMATS}")
    return _table(place, root)


def allowed(path: str | Path, root: Path | None) -> Path:
    """The path with all links followed.

    Raises:
        InputError: no such path, or outside `root`.
    """
    try:
        place = Path(path).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableFile(str(path), "there is no such file or folder") from error
    if root is not None and not place.is_relative_to(root.resolve()):
        raise UnreadableFile(str(path), f"it is not in {root}, the folder that may be read")
    return place


def _table(place: Path, root: Path | None) -> Source:
    """A table by its own path."""
    top = place.parent
    if top.name.startswith("annotation") and (root is None or top != root.resolve()):
        top = top.parent  # COCO's images lie beside the folder of its annotations
    tree = Folder(top)
    file = place.relative_to(top).as_posix()
    rows = _READERS[suffix(file)](place.name, tree.read(file))
    entries = join_rows(rows, tree, _bases(file))
    if all(isinstance(entry, Note) for entry in entries):
        raise UnreadableFile(place.name, f"it has no rows. {EXPECTED}")
    return Source(place.name, _count(entries), lambda: entries)


def _whole(tree: Tree, name: str) -> Source:
    """A folder or a zip: the rows of the table at its top, and every image that no row names."""
    top = _top(tree.names)
    tables, unusable, notes = _find_tables(tree, top)
    listed = [entry for file, rows in tables for entry in join_rows(rows, tree, _bases(file))]
    named = {entry.name for entry in listed if isinstance(entry, Record)}
    rest = [n for n in tree.names if is_image(n) and n not in named]
    rejected = [*tree.rejected, *(r for r in unusable if suffix(r.name) in _TABLES), *_zips(tree)]
    if not rest and all(isinstance(entry, Note) for entry in listed):
        if unusable:
            raise UnreadableFile(unusable[0].name, unusable[0].reason)
        if not rejected:
            raise UnreadableFile(name, f"it has no images and no captions. Supported: {FORMATS}")
    # Any .json or .txt may have been no table at all.
    notes += [
        Note(f"{r.name} was not read as a table: {r.reason}.")
        for r in unusable
        if suffix(r.name) not in _TABLES
    ]
    labeled_from = None if tables else top

    def entries() -> Iterator[Entry]:
        return chain(rejected, notes, listed, loose_images(tree, rest, labeled_from))

    return Source(tree.name, _count(listed) + len(rest), entries)


def _find_tables(tree: Tree, top: str) -> tuple[list[tuple[str, Rows]], list[Rejected], list[Note]]:
    """The table at the top of a tree, perhaps in parts, with its rows; those that are not read."""
    main = f"{top}items.jsonl"
    if main in tree.names:
        return [(main, json_lines("items.jsonl", tree.read(main)))], [], []
    tables: list[tuple[str, Rows]] = []
    files, unusable = _candidates(tree, top)
    for file in files:
        reader = headed if suffix(file) in _TEXTS else _READERS[suffix(file)]
        try:
            tables.append((file, reader(basename(file), tree.read(file))))
        except UnreadableFile as error:
            unusable.append(Rejected(file, error.reason))
    if len(tables) < 2:
        return tables, unusable, []
    names = ", ".join(file for file, _ in tables)
    parts = [_part(basename(file)) for file, _ in tables]
    if len({of for of, _ in parts}) > 1:
        raise UnreadableFile(tree.name, f"it has several tables ({names}). Ingest one by its path")
    if len({split for _, split in parts}) > 1:
        tables = [
            (file, with_split(rows, split))
            for (file, rows), (_, split) in zip(tables, parts, strict=True)
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


def _bases(file: str) -> tuple[str, ...]:
    """Folders that paths in a table may be relative to."""
    if suffix(file) == ".json":
        return folders_around(file)
    folder = file[: -len(basename(file))]
    return folder, f"{folder}images/", f"{folder}Images/", f"{splitext(file)[0]}/"


def _top(names: Sequence[str]) -> str:
    """The folder that contains everything, "" or ending in a slash.

    >>> _top(["set/items.jsonl", "set/images/1.jpg"])
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

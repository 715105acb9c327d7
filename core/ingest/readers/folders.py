"""A folder, zip or tar: the rows of its table, and every image that no row names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from posixpath import basename, dirname, splitext
from shlex import quote

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.forms import SourceForm, Table, TableForm
from core.ingest.readers.join import Part, each_row, join_tables
from core.ingest.readers.loose_images import is_image, loose_images
from core.ingest.readers.places import SPLITS, Place, places_of
from core.ingest.readers.records import Aside, Entry, Note, Reading, ReadOptions, Record, Source
from core.ingest.readers.rows import DETECT
from core.ingest.readers.sidecars import Sidecars, group
from core.ingest.readers.table_files import TABLES, bases_of, table_of
from core.ingest.readers.tables import with_split
from core.ingest.readers.tars import is_tar
from core.types import Rejected, Value

SUPPORTED = (
    "a folder, zip or tar of images, items.jsonl, CSV, TSV or Parquet with images and captions, "
    "COCO captions JSON, a .txt of captions, or one image"
)
# In a folder these are tables; a .json or .txt may be anything, so a few of them are tried, and a
# folder full of them (one beside each image) is not.
_TABLES = {".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"}
_TEXTS = {".txt", ".token"}
_COCO = re.compile(r"(captions|instances)(_.*)?\.json")
_FEW = 10


class Contents:
    """A tree by what its files are."""

    def __init__(self, tree: Tree, options: ReadOptions) -> None:
        self.tree = tree
        self.options = options
        self.top = top_of(tree.names)
        self.images = [name for name in tree.names if is_image(name)]
        self.sidecars = Sidecars(tree, self.images, options)


@dataclass
class Tables:
    """The tables of a tree that are read as one, and what to say of the others.

    `known` are files of which nothing further is to be said.
    """

    read: list[tuple[str, TableForm, Table]] = field(default_factory=list)
    unusable: list[Rejected] = field(default_factory=list)
    left_aside: list[Aside] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    known: Sequence[str] = ()


def whole(tree: Tree, file: str, options: ReadOptions) -> Source:
    """All images of a tree, with the captions, labels and attributes of the table in it."""
    contents = Contents(tree, options)
    tables = Tables() if options.form == FOLDER.name else _find_tables(contents)
    return with_tables(contents, tables, None if tables.read else contents.top)


def with_tables(
    contents: Contents, tables: Tables, labeled_from: str | None, form: str = ""
) -> Source:
    """The rows of tables, and all images that no row names.

    Args:
        contents: of a folder or zip.
        tables: of the same.
        labeled_from: see `loose_images`.
        form: its name where it is not that of the table.
    """
    tree, top = contents.tree, contents.top
    images, sidecars = contents.images, contents.sidecars
    parts: list[Part] = [(table, bases_of(file, top)) for file, _, table in tables.read]
    listed = join_tables([part for part in parts if part[0].count is None], tree, images)
    streams = [part for part in parts if part[0].count is not None]
    named = {entry.name for entry in listed if isinstance(entry, Record)}
    rest = [name for name in images if name not in named]
    left = [aside for _, _, table in tables.read for aside in table.left_aside]
    left += [*tables.left_aside, *sidecars.left_aside, *_unread(tree, tables, sidecars)]
    unusable = [r for r in tables.unusable if suffix(r.name) in _TABLES]
    rejected = [*tree.rejected, *unusable, *_archives(tree)]
    if not rest and not streams and all(isinstance(entry, Note) for entry in listed):
        if tables.unusable:
            raise UnreadableFile(tables.unusable[0].name, tables.unusable[0].reason)
        if not rejected:
            reason = f"it has no images and no captions. Supported: {SUPPORTED}"
            raise UnreadableFile(tree.name, reason)
    splits: dict[str, Value] = {}
    if tables.read:
        places = places_of(images, top)[1]
        splits = {image: own["split"] for image, (_, own) in places.items() if "split" in own}
        if "label" not in {r for _, _, t in tables.read for r in t.columns.values()}:
            left += _folders_of(places)

    def entries() -> Iterator[Entry]:
        rows = chain.from_iterable(each_row(part, tree, images) for part in streams)
        loose = loose_images(tree, rest, labeled_from)
        records = chain(_with_splits(listed, splits), rows, _with_splits(loose, splits))
        return chain(rejected, tables.notes, sidecars.complete(records))

    total = len(rest) + sum(isinstance(entry, Record) for entry in listed)
    total += sum(table.count or 0 for table, _ in streams)
    columns: dict[str, str] = {}
    for found in [*(table.columns for _, _, table in tables.read), sidecars.columns]:
        columns |= {column: role for column, role in found.items() if column not in columns}
    name = form or (tables.read[0][1].name if tables.read else FOLDER.name)
    return Source(tree.name, total, entries, Reading(name, columns, tuple(dict.fromkeys(left))))


def _with_splits(entries: Iterable[Entry], splits: Mapping[str, Value]) -> Iterator[Entry]:
    """Entries, with the split of the folder of each image where a table states none."""
    for entry in entries:
        if isinstance(entry, Record) and entry.name in splits:
            attributes = {"split": splits[entry.name], **entry.attributes}
            entry = replace(entry, attributes=attributes)
        yield entry


def _folders_of(places: Mapping[str, Place]) -> list[Aside]:
    """The labels that folders would give, were there no table."""
    labels = sorted({label for own, _ in places.values() for label in own})
    if not labels:
        return []
    some = ", ".join(labels[:3]) + (", ..." if len(labels) > 3 else "")
    return [Aside(f"folders {some}", "they are no labels beside a table", "--form folder")]


def _unread(tree: Tree, tables: Tables, sidecars: Sidecars) -> Iterator[Aside]:
    """Files that are neither images nor tables nor beside images, by kind."""
    known = {*tables.known, *sidecars.names, *(file for file, _, _ in tables.read)}
    known |= {aside.name for aside in tables.left_aside}
    for name, reason in ((r.name, r.reason) for r in tables.unusable):
        known.add(name)
        if suffix(name) not in _TABLES:  # it may have been no table at all
            yield Aside(name, reason)
    rest = [n for n in tree.names if not is_image(n) and n not in known and not _is_archive(n)]
    for _, files in groupby(sorted(rest, key=lambda n: (suffix(n), n)), suffix):
        names = list(files)
        path = tree.path(names[0])
        table = path and any(suffix(path) in form.suffixes for form in TABLES)
        instead = f"sextant ingest {quote(path)}" if table else ""
        yield group(names, "neither an image nor a table that belongs to the images", instead)


def _find_tables(contents: Contents) -> Tables:
    """The table of a tree, perhaps in parts, with its rows; those that are not read."""
    tree, options = contents.tree, contents.options
    main = f"{contents.top}items.jsonl"
    if main in tree.names and options.form in ("", "jsonl"):
        return Tables([(main, *table_of(tree, main, options))])
    found = Tables()
    files, at_top = _candidates(contents, found)
    read_tables(contents, files, found, at_top)
    return found


def read_tables(
    contents: Contents, files: Sequence[str], found: Tables, at_top: bool = True
) -> None:
    """Read files as parts of one table.

    Args:
        contents: have the files.
        files: that may be tables.
        found: to which they are added.
        at_top: whether tables that are no parts of one are an error, or left aside.
    """
    tree, options = contents.tree, contents.options
    for file in files:
        try:
            found.read.append((file, *table_of(tree, file, options)))
        except UnreadableFile as error:
            found.unusable.append(Rejected(file, error.reason))
    if options != DETECT and not found.read and not contents.sidecars.columns:
        reason = "it has no table to which the options for columns, separator or form apply"
        first = found.unusable[0] if found.unusable else Rejected(tree.name, reason)
        raise UnreadableFile(first.name, first.reason)
    if len(found.read) > 1:
        _unite(tree, contents.top, found, at_top)


def _unite(tree: Tree, top: str, found: Tables, at_top: bool) -> None:
    """Check that tables are parts of one, and give each the split that its name states."""
    names = ", ".join(file for file, _, _ in found.read[:_FEW])
    names += ", ..." if len(found.read) > _FEW else ""
    parts = [part_of(file[len(top) :]) for file, _, _ in found.read]
    if len({of for of, _ in parts}) > 1:
        if at_top:
            reason = f"it has several tables ({names}). Ingest one by its path"
            raise UnreadableFile(tree.name, reason)
        found.left_aside += [
            Aside(file, "it is one of several tables", f"sextant ingest {quote(tree.path(file))}")
            for file, _, _ in found.read
        ]
        found.read = []
        return
    if len({split for _, split in parts}) > 1:
        found.read = [
            (file, form, with_split(table, split) if split else table)
            for (file, form, table), (_, split) in zip(found.read, parts, strict=True)
        ]
    many = f"{len(found.read)} tables were read as parts of one"
    found.notes.append(Note(f"{many}: {names}."))


def _candidates(contents: Contents, found: Tables) -> tuple[list[str], bool]:
    """Files that may be the table, and whether they lie at the top of the tree."""
    tree, top, options = contents.tree, contents.top, contents.options
    files = [n for n in tree.names if not is_image(n) and n not in contents.sidecars]
    stems = {splitext(name)[0] for name in contents.images} if files else set()
    free = [n for n in files if splitext(n)[0] not in stems]  # the others belong to an image
    if asked := [form for form in TABLES if form.name == options.form]:
        of_form = [n for n in free if suffix(n) in asked[0].suffixes]
        highest = min((n.count("/") for n in of_form), default=0)
        return [n for n in of_form if n.count("/") == highest], True
    here = [n for n in free if n.startswith(top) and "/" not in n[len(top) :]]
    tried = [n for n in here if suffix(n) in _TABLES]
    documents = _documents(tree, [n for n in free if suffix(n) == ".json"], top, found)
    for files in (documents, [n for n in here if suffix(n) in _TEXTS]):
        if len(files) <= _FEW:
            tried += files
        else:
            reason = f"it is one of {len(files)} such files; too many"
            found.unusable.append(Rejected(files[0], reason))
    if tried:
        return tried, True
    below = [n for n in free if n.startswith(top) and suffix(n) in _TABLES]
    if shards := [n for n in below if suffix(n) == ".parquet"]:
        return shards, False
    if not below:  # beside Flickr8k's captions lie those in lemmas
        texts = [n for n in free if suffix(n) in _TEXTS and ".lemma." not in n]
        below = texts if len(texts) <= _FEW else []
    return (below if len(set(map(dirname, below))) == 1 else []), False


def _documents(tree: Tree, json: Sequence[str], top: str, found: Tables) -> list[str]:
    """JSON documents at the top or in annotations/; of COCO's, those whose images are there."""
    names = [n for n in json if dirname(n) in (top.rstrip("/"), f"{top}annotations")]
    coco = [n for n in names if _COCO.fullmatch(basename(n))]
    folders = {basename(dirname(name)) for name in tree.names if is_image(name)}
    present = [n for n in coco if splitext(n)[0].rpartition("_")[2] in folders]
    read = present or coco or names
    for name in names:
        if name not in read:
            split = splitext(name)[0].rpartition("_")[2]
            missing = f"there is no folder {split} with its images"
            reason = missing if name in coco else f"{basename(read[0])} was read instead"
            found.unusable.append(Rejected(name, reason))
    return list(read)


def part_of(name: str) -> tuple[str, str]:
    """What a table is a part of, and the split that its name or a folder states, or "".

    >>> part_of("train-00000-of-00002.parquet"), part_of("00001.parquet")
    (('.parquet', 'train'), ('.parquet', ''))
    >>> part_of("val/0000.parquet"), part_of("annotations/captions_train2017.json")
    (('.parquet', 'val'), ('.json', 'train'))
    """
    words = re.findall("[a-z]+", splitext(name)[0].lower())
    split = next((SPLITS[word] for word in words if word in SPLITS), "")
    left_out = {*SPLITS, "of", *(("captions", "instances") if suffix(name) == ".json" else ())}
    own = re.findall("[a-z]+", splitext(basename(name))[0].lower())
    return "-".join(word for word in own if word not in left_out) + suffix(name), split


def _archives(tree: Tree) -> Iterator[Rejected]:
    reason = "it is an archive inside the source; ingest it by its own path"
    return (Rejected(name, reason) for name in tree.names if _is_archive(name))


def _is_archive(name: str) -> bool:
    return suffix(name) == ".zip" or is_tar(name)


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


def _one_image(tree: Tree, file: str, options: ReadOptions) -> Source:
    sidecars = Sidecars.beside(tree, file, options)
    entries = list(sidecars.complete(loose_images(tree, [file], None)))
    return Source(file, 1, lambda: entries, Reading(IMAGE.name, {}, sidecars.left_aside))


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
    recognized="Any folder, zip or tar. A table in it is read too, unless --form folder is given.",
    taken=(
        "Every image. Without a table, folders are labels, train, val and test are splits, and "
        "the lines of a.txt or a.caption beside a.jpg are its captions."
    ),
    example="train/cat/a.jpg\ntrain/dog/b.jpg\nval/cat/c.jpg",
    recognizes=lambda tree, file: not file,
    read=whole,
)

"""What lies at a path: one of the forms that Sextant reads, found by looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from posixpath import basename, dirname

from core.errors import UnreadableFile
from core.ingest.readers.coco import coco, folders_around
from core.ingest.readers.delimited import delimited, headed, text
from core.ingest.readers.files import Folder, Tree
from core.ingest.readers.join import join_rows
from core.ingest.readers.loose_images import in_classes, is_picture, loose_images, suffix
from core.ingest.readers.records import Record, Source
from core.ingest.readers.rows import EXPECTED
from core.ingest.readers.tables import Rows, json_lines, parquet
from core.ingest.readers.zips import Zip
from core.types import Rejected

FORMS = (
    "a folder or zip of pictures, items.jsonl, CSV, TSV or Parquet with image and caption columns, "
    "COCO captions JSON, a .txt of captions, or one picture"
)
_READERS: dict[str, Callable[[str, bytes], Rows]] = {
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".csv": delimited,
    ".tsv": delimited,
    ".parquet": parquet,
    ".json": coco,
    ".txt": text,
}
# In a folder these are tables or a mistake; a .json or .txt may be there for any other reason, so
# a few are tried, and a folder full of them (one beside each picture) is not.
_TABLES = {".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"}
_FEW = 10
Entries = Sequence[Record | Rejected]


def read(path: str | Path, root: Path | None = None) -> Source:
    """Find out what lies at a path and how it is to be read.

    A folder or zip gives all its pictures, with what a table at its top says about them. A table
    given by its own path gives what it names and nothing else.

    Args:
        path: a folder or a file.
        root: when given, nothing outside this folder is read.

    Raises:
        InputError: nothing there, outside `root`, or none of the forms.
    """
    place = allowed(path, root)
    if place.is_dir():
        return _whole(Folder(place), str(path))
    if suffix(place.name) == ".zip":
        return _whole(Zip(place), str(path))
    folder = Folder(place.parent)
    if is_picture(place.name):
        entries = list(loose_images(folder, [place.name], labelled=False))
        return Source(place.name, 1, lambda: entries)
    if suffix(place.name) not in _READERS:
        raise UnreadableFile(place.name, f"this is no form that Sextant reads. It reads {FORMS}")
    return _table(place, root)


def allowed(path: str | Path, root: Path | None) -> Path:
    """The path with all links followed.

    Raises:
        InputError: nothing there, or it lies outside `root`.
    """
    try:
        place = Path(path).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableFile(str(path), "there is no such file or folder") from error
    if root is not None and not place.is_relative_to(root.resolve()):
        raise UnreadableFile(str(path), f"it lies outside {root}, the folder that may be read")
    return place


def _table(place: Path, root: Path | None) -> Source:
    """A table by its own path."""
    top = place.parent
    if top.name.startswith("annotation") and (root is None or top != root.resolve()):
        top = top.parent  # COCO's pictures lie beside the folder of its annotations
    tree = Folder(top)
    file = place.relative_to(top).as_posix()
    rows = _READERS[suffix(file)](place.name, tree.read(file))
    entries = join_rows(rows, tree, _bases(file))
    if not entries:
        raise UnreadableFile(place.name, f"it holds no rows. {EXPECTED}")
    return Source(place.name, _count(entries), lambda: entries)


def _whole(tree: Tree, name: str) -> Source:
    """A folder or a zip: what a table at its top says, and every picture that no table names."""
    top = _top(tree.names)
    file, rows, misfits = _find_table(tree, top)
    listed = join_rows(rows, tree, _bases(file)) if file else []
    taken = {entry.name for entry in listed if isinstance(entry, Record)}
    rest = [n for n in tree.names if is_picture(n) and n not in taken]
    labelled = not file and in_classes(n.removeprefix(top) for n in rest)
    refused = [*tree.refused, *misfits, *_zips(tree)]
    if not (listed or rest):
        if misfits:
            raise UnreadableFile(misfits[0].name, misfits[0].reason)
        if not refused:
            raise UnreadableFile(
                name, f"it holds no pictures and no captions. Sextant reads {FORMS}"
            )

    def entries() -> Iterator[Record | Rejected]:
        return chain(refused, listed, loose_images(tree, rest, labelled))

    return Source(tree.name, _count(listed) + len(rest), entries)


def _find_table(tree: Tree, top: str) -> tuple[str, Rows, list[Rejected]]:
    """The one table at the top of a tree, its rows, and tables that have no use here."""
    main = f"{top}items.jsonl"
    if main in tree.names:
        return main, json_lines("items.jsonl", tree.read(main)), []
    found: list[tuple[str, Rows]] = []
    misfits: list[Rejected] = []
    for file in _candidates(tree, top):
        reader = headed if suffix(file) == ".txt" else _READERS[suffix(file)]
        try:
            found.append((file, reader(basename(file), tree.read(file))))
        except UnreadableFile as error:
            if suffix(file) in _TABLES:
                misfits.append(Rejected(file, error.reason))
    if len(found) > 1:
        names = ", ".join(file for file, _ in found)
        raise UnreadableFile(
            tree.name, f"it holds several tables ({names}). Ingest one by its path"
        )
    return (*found[0], misfits) if found else ("", [], misfits)


def _candidates(tree: Tree, top: str) -> list[str]:
    """Files that may be the table, captions first among COCO's."""
    here = [n for n in tree.names if n.startswith(top) and "/" not in n[len(top) :]]
    notes = [n for n in tree.names if n.startswith(f"{top}annotations/")]
    json = [n for n in here + notes if suffix(n) == ".json"]
    captions = [n for n in json if basename(n).startswith("captions")]
    texts = [n for n in here if suffix(n) == ".txt"]
    few = [
        *(captions or (json if len(json) <= _FEW else [])),
        *(texts if len(texts) <= _FEW else []),
    ]
    return [n for n in here if suffix(n) in _TABLES] + few


def _zips(tree: Tree) -> Iterator[Rejected]:
    reason = "it is a zip inside what was given; ingest it on its own"
    return (Rejected(name, reason) for name in tree.names if suffix(name) == ".zip")


def _bases(file: str) -> tuple[str, ...]:
    """Folders that paths in a table may start from."""
    if suffix(file) == ".json":
        return folders_around(file)
    folder = file[: -len(basename(file))]
    return folder, f"{folder}images/", f"{folder}Images/"


def _top(names: Sequence[str]) -> str:
    """The folder that everything lies in, "" or ending in a slash.

    >>> _top(["set/items.jsonl", "set/images/1.jpg"])
    'set/'
    """
    parents = {tuple(folder.split("/")) if folder else () for folder in map(dirname, names)} or {()}
    first, last = min(parents), max(parents)
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return "".join(f"{part}/" for part in first[:shared])


def _count(entries: Entries) -> int:
    return sum(isinstance(entry, Record) for entry in entries)

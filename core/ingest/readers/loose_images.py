"""Pictures that no table names: they lie in a folder, perhaps in classes, perhaps with notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import PurePosixPath
from posixpath import splitext

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree
from core.ingest.readers.records import Record
from core.ingest.readers.tables import lines
from core.types import Rejected

# What a person would call a picture. Those that cannot be decoded are refused with the reason.
_PICTURES = tuple(
    f".{ending}"
    for ending in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "bmp", "dib", "tif", "tiff"),
        *("avif", "jp2", "j2k", "jpx", "ppm", "pgm", "pbm", "pnm", "heic", "heif", "jxl"),
        *("svg", "ico", "psd", "tga", "dng", "cr2", "nef", "arw"),
    )
)


def suffix(name: str) -> str:
    """A file name's ending, in small letters."""
    return splitext(name)[1].lower()


def is_picture(name: str) -> bool:
    """Whether a file's ending says that it is a picture."""
    return suffix(name) in _PICTURES


def in_classes(pictures: Iterable[str]) -> bool:
    """Whether all pictures lie exactly one folder deep, in at least two folders.

    >>> in_classes(["cat/1.jpg", "dog/1.jpg"]), in_classes(["cat/1.jpg", "2.jpg"])
    (True, False)
    """
    folders = {PurePosixPath(name).parts[:-1] for name in pictures}
    return len(folders) > 1 and all(len(parts) == 1 for parts in folders)


def loose_images(
    tree: Tree, pictures: Iterable[str], labelled: bool
) -> Iterator[Record | Rejected]:
    """A record a picture, its captions from the text file of the same stem beside it.

    Args:
        tree: where the pictures are.
        pictures: their names.
        labelled: the folder's name is the label.
    """
    notes = {_stem(name): name for name in tree.names if suffix(name) == ".txt"}
    for name in pictures:
        captions: list[str] = []
        if note := notes.get(_stem(name)):
            yield from _read_note(tree, note, captions)
        labels = (PurePosixPath(name).parent.name,) if labelled else ()
        read = partial(tree.read, name)
        yield Record(name, read, tree.path(name), tuple(captions), labels)


def _read_note(tree: Tree, note: str, captions: list[str]) -> Iterator[Rejected]:
    """Collect a note's captions; yield what is wrong with it."""
    try:
        rows = lines(note, tree.read(note))
    except UnreadableFile as error:
        yield Rejected(note, error.reason)
        return
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        else:
            captions += row.captions


def _stem(name: str) -> str:
    return splitext(name)[0]

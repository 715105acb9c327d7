"""Images that no table names: in a folder, perhaps a folder per class, perhaps with text files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import PurePosixPath
from posixpath import splitext

from core.errors import UnreadableFile
from core.ingest.images import IMAGE_SUFFIXES, UNSUPPORTED_SUFFIXES
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.records import Record
from core.ingest.readers.tables import lines
from core.types import Rejected


def is_image(name: str) -> bool:
    """Whether a file has the suffix of an image, supported or not."""
    return suffix(name) in IMAGE_SUFFIXES + UNSUPPORTED_SUFFIXES


def in_class_folders(images: Iterable[str]) -> bool:
    """Whether all images lie exactly one folder deep, in at least two folders.

    >>> in_class_folders(["cat/1.jpg", "dog/1.jpg"]), in_class_folders(["cat/1.jpg", "2.jpg"])
    (True, False)
    """
    folders = {PurePosixPath(name).parts[:-1] for name in images}
    return len(folders) > 1 and all(len(parts) == 1 for parts in folders)


def loose_images(tree: Tree, images: Iterable[str], labeled: bool) -> Iterator[Record | Rejected]:
    """One record per image, its captions from the text file of the same name beside it.

    Args:
        tree: has the images.
        images: their names.
        labeled: the folder's name is the label.
    """
    texts = {_stem(name): name for name in tree.names if suffix(name) == ".txt"}
    for name in images:
        captions: list[str] = []
        if text := texts.get(_stem(name)):
            yield from _read_captions(tree, text, captions)
        labels = (PurePosixPath(name).parent.name,) if labeled else ()
        read = partial(tree.read, name)
        yield Record(name, read, tree.path(name), tuple(captions), labels)


def _read_captions(tree: Tree, text: str, captions: list[str]) -> Iterator[Rejected]:
    """Collect the captions of a text file; yield its rejected lines."""
    try:
        rows = lines(text, tree.read(text))
    except UnreadableFile as error:
        yield Rejected(text, error.reason)
        return
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        else:
            captions += row.captions


def _stem(name: str) -> str:
    return splitext(name)[0]

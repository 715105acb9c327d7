"""Images that no table names: in a folder, perhaps a folder per class, perhaps with text files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from posixpath import splitext
from typing import TypeAlias

from core.errors import UnreadableFile
from core.ingest.images import IMAGE_SUFFIXES, UNSUPPORTED_SUFFIXES
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.records import Entry, Note, Record
from core.ingest.readers.rows import Row
from core.ingest.readers.tables import lines, text_of
from core.types import Rejected, Value

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def is_image(name: str) -> bool:
    """Whether a file has the suffix of an image, supported or not."""
    return suffix(name) in IMAGE_SUFFIXES + UNSUPPORTED_SUFFIXES


def loose_images(tree: Tree, images: Sequence[str], top: str | None) -> Iterator[Entry]:
    """One record per image, its captions from the text file of the same name beside it.

    Args:
        tree: has the images.
        images: their names.
        top: folder in which folders of images are classes or splits; None where they are not.
    """
    texts = {_stem(name): name for name in tree.names if suffix(name) in (".txt", ".caption")}
    notes, places = ([], {}) if top is None else places_of(images, top)
    yield from map(Note, notes)
    numbers: list[str] = []
    for name in images:
        captions: list[str] = []
        if text := texts.get(_stem(name)):
            yield from _read_captions(tree, text, captions)
            if captions and all(map(_is_number, " ".join(captions).split())):
                numbers.append(text)
                captions.clear()
        labels, attributes = places.get(name, ((), {}))
        read = partial(tree.read, name)
        yield Record(name, read, tree.path(name), tuple(captions), labels, attributes)
    if numbers:
        files = "1 text file" if len(numbers) == 1 else f"{len(numbers):,} text files"
        what = "beside images were not read: numbers, such as boxes, are no captions"
        yield Note(f"{files} {what} (first: {numbers[0]}).")


Place: TypeAlias = tuple[tuple[str, ...], Mapping[str, Value]]


def places_of(images: Sequence[str], top: str = "") -> tuple[list[str], dict[str, Place]]:
    """Labels and split of images by the folders they lie in, and sentences about how.

    Folders are classes where most images lie one folder deep, in at least two folders; folders
    above or below them that are all named like splits are the attribute `split`.

    >>> notes, places = places_of(["train/cat/1.jpg", "train/dog/2.jpg", "val/dog/3.jpg"])
    >>> notes
    ['The folders train, val are the attribute split.', 'The folders cat, dog are labels.']
    >>> places["train/cat/1.jpg"]
    (('cat',), {'split': 'train'})
    """
    folders = {name: PurePosixPath(name.removeprefix(top)).parts[:-1] for name in images}
    splits = _take_splits(folders)
    inside = [image for image, parts in folders.items() if len(parts) == 1]
    outside = [image for image, parts in folders.items() if len(parts) != 1]
    classes = sorted({folders[image][0] for image in inside})
    labeled = len(classes) > 1 and len(inside) > len(outside)
    notes = []
    if splits:
        notes.append(f"The folders {_some(set(splits.values()))} are the attribute split.")
    if labeled:
        rest = f"; without a label, outside of them: {_first(outside)}" if outside else ""
        notes.append(f"The folders {_some(classes)} are labels{rest}.")
    elif outside and any(folders.values()):
        where = f"not exactly one folder deep: {_first(outside)}"
        notes.append(f"The folders were not read as labels; {where}.")
    places: dict[str, Place] = {}
    for image, parts in folders.items():
        labels = parts if labeled and len(parts) == 1 else ()
        places[image] = labels, {"split": splits[image]} if image in splits else {}
    return notes, places


def _take_splits(folders: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """The split of each image; the folder that names it is removed from its path."""
    for level in (0, 1):
        names = {parts[level] for parts in folders.values() if len(parts) > level}
        if names and all(name.lower() in SPLITS for name in names):
            splits = {}
            for image, parts in folders.items():
                if len(parts) > level:
                    splits[image] = SPLITS[parts[level].lower()]
                    folders[image] = parts[:level] + parts[level + 1 :]
            return splits if len(names) > 1 else {}
    return {}


def _first(images: Sequence[str]) -> str:
    return images[0] if len(images) == 1 else f"{len(images):,} images (first: {images[0]})"


def _some(names: Iterable[str]) -> str:
    """The names, at most ten."""
    names = sorted(names)
    return ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _read_captions(tree: Tree, text: str, captions: list[str]) -> Iterator[Entry]:
    """Collect the captions of a text file; yield its rejected lines."""
    try:
        rows = lines(text, text_of(tree, text))
    except UnreadableFile as error:
        yield Rejected(text, error.reason)
        return
    for row in rows:
        if isinstance(row, Row):
            captions += row.captions
        else:
            yield row


def _stem(name: str) -> str:
    return splitext(name)[0]

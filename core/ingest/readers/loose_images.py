"""Images that no table names: in a folder, perhaps a folder per class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from core.ingest.images import IMAGE_SUFFIXES, UNSUPPORTED_SUFFIXES
from core.ingest.readers.files import Tree
from core.ingest.readers.places import places_of
from core.ingest.readers.records import Entry, Note, Record

_SUFFIXES = IMAGE_SUFFIXES + UNSUPPORTED_SUFFIXES


def is_image(name: str) -> bool:
    """Whether a file has the suffix of an image, supported or not."""
    return name.lower().endswith(_SUFFIXES)


def loose_images(tree: Tree, images: Sequence[str], top: str | None) -> Iterator[Entry]:
    """One record per image, without captions; see `core.ingest.readers.sidecars`.

    Args:
        tree: has the images.
        images: their names.
        top: folder in which folders of images are classes or splits; None where they are not.
    """
    notes, places = ([], {}) if top is None else places_of(images, top)
    yield from map(Note, notes)
    for name in images:
        labels, attributes = places.get(name, ((), {}))
        read = partial(tree.read, name)
        yield Record(name, read, tree.path(name), (), labels, attributes)

"""What the folders of images say: their labels and their split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from core.types import Value

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_MEANINGLESS = {"images", "image", "imgs", "img", "photos", "jpegimages"}
_BESIDE_SPLIT = {*_MEANINGLESS, "set", "data", "split", "seg"}
_MOST = 0.8  # of the images: a folder beside those of the splits has strays

Place: TypeAlias = tuple[tuple[str, ...], Mapping[str, Value]]


def split_of(name: str) -> str:
    """The split that a folder or file names, or "".

    >>> split_of("train2017"), split_of("Validation"), split_of("test_images"), split_of("trains")
    ('train', 'val', 'test', '')
    """
    words = [w for w in re.findall("[a-z]+", name.lower()) if w not in _BESIDE_SPLIT]
    return SPLITS.get(words[0], "") if len(words) == 1 else ""


def places_of(images: Sequence[str], top: str = "") -> tuple[list[str], dict[str, Place]]:
    """Labels and split of images by the folders they lie in, and sentences about how.

    Folders that are named like splits are the attribute `split`, at any level that has no others.
    Of the rest, the deepest folders are labels where most images lie equally deep, in at least two
    of them.

    >>> notes, places = places_of(["train/cat/1.jpg", "train/dog/2.jpg", "val/dog/3.jpg"])
    >>> notes
    ['The folders train, val are the attribute split.', 'The folders cat, dog are labels.']
    >>> places["train/cat/1.jpg"]
    (('cat',), {'split': 'train'})
    """
    folders = {name: tuple(name.removeprefix(top).split("/")[:-1]) for name in images}
    splits = _take_splits(folders)
    _drop_meaningless(folders)
    depth = _depth_of_classes(folders, splits)
    inside = [image for image, parts in folders.items() if depth and len(parts) == depth]
    outside = [image for image, parts in folders.items() if not depth or len(parts) != depth]
    classes = sorted({folders[image][-1] for image in inside})
    notes = []
    if splits:
        notes.append(f"The folders {_some(set(splits.values()))} are the attribute split.")
    if inside:
        rest = f"; without a label, outside of them: {_first(outside)}" if outside else ""
        notes.append(f"The folders {_some(classes)} are labels{rest}.")
        if depth > 1:
            notes.append("The folders above those of the labels are the attribute folder.")
    elif any(folders.values()):
        notes.append(_why_not(folders))
    places: dict[str, Place] = {}
    labeled = set(inside)
    for image, parts in folders.items():
        labels = parts[-1:] if image in labeled else ()
        attributes: dict[str, Value] = {"split": splits[image]} if image in splits else {}
        if labels and depth > 1:
            attributes["folder"] = "/".join(parts[:-1])
        places[image] = labels, attributes
    return notes, places


def _take_splits(folders: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """The split of each image; the folder that names it is removed from its path."""
    for level in range(3):
        here = {image: parts[level] for image, parts in folders.items() if len(parts) > level}
        splits = {image: split for image, name in here.items() if (split := split_of(name))}
        several = len(set(splits.values())) > 1
        if splits and (len(splits) == len(here) or (several and len(splits) > _MOST * len(here))):
            for image, split in splits.items():
                parts = folders[image]
                end = level + 1
                while end < len(parts) and split_of(parts[end]) == split:  # seg_train/seg_train
                    end += 1
                folders[image] = parts[:level] + parts[end:]
            return splits if several else {}
    return {}


def _drop_meaningless(folders: dict[str, tuple[str, ...]]) -> None:
    """Remove folders named like `images`: the deepest ones, and those of all images."""
    for image, parts in folders.items():
        if len(parts) > 0 and parts[-1].lower() in _MEANINGLESS:
            folders[image] = parts[:-1]
    names = {parts[0].lower() for parts in folders.values() if parts}
    if names <= _MEANINGLESS:
        for image, parts in folders.items():
            folders[image] = parts[1:]


def _depth_of_classes(folders: Mapping[str, tuple[str, ...]], splits: Mapping[str, str]) -> int:
    """How deep most images lie, where the deepest folders are classes; else 0.

    A split without any folders, as a test set without labels, has no say.
    """
    in_folders = {splits.get(image, "") for image, parts in folders.items() if parts}
    counted = [p for image, p in folders.items() if splits.get(image, "") in in_folders]
    depths = Counter(map(len, counted))
    depth, count = depths.most_common(1)[0] if depths else (0, 0)
    names = {parts[-1] for parts in counted if depth and len(parts) == depth}
    dates = depth > 1 and all(name.isdigit() for name in names)
    return depth if len(names) > 1 and 2 * count > len(counted) and not dates else 0


def _why_not(folders: Mapping[str, tuple[str, ...]]) -> str:
    names = {parts[-1] for parts in folders.values() if parts}
    if len(names) == 1:
        return f"The folder {names.pop()} was not read as a label: it is the only one."
    first = {len(parts): image for image, parts in reversed(list(folders.items()))}
    if len(first) == 1:
        return "The folders were not read as labels: their names are numbers, such as dates."
    some = _some(first.values())
    return f"The folders were not read as labels: no depth has most of the images ({some})."


def _first(images: Sequence[str]) -> str:
    return images[0] if len(images) == 1 else f"{len(images):,} images (first: {images[0]})"


def _some(names: Iterable[str]) -> str:
    """The names, at most ten."""
    names = sorted(names)
    return ", ".join(names[:10]) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")

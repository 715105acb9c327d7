"""Webdataset: the files of a sample share their name up to its first dot, in one tar or many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from posixpath import basename
from shlex import quote

from core.errors import UnreadableFile
from core.ingest.readers.fields import field_roles, fields_of, row_beside
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.forms import SourceForm
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.places import SPLITS, Place, places_of
from core.ingest.readers.records import Aside, Entry, Note, Reading, ReadOptions, Record, Source
from core.ingest.readers.rows import Row, rejected, unique
from core.ingest.readers.sidecars import is_boxes
from core.ingest.readers.tables import as_text, lines
from core.ingest.readers.tars import Tar, is_tar
from core.types import Rejected, Value

_CAPTIONS = ("txt", "caption", "text")
_LABELS = ("cls", "label", "cls.txt")
_FIELDS = "json"
_KNOWN = {*_CAPTIONS, *_LABELS, _FIELDS}
_TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
_NAMES = "classnames.txt"  # a line for each class, beside the shards
_LOOKED_AT = 1000  # samples of a tar, to see whether it has any


def is_webdataset(tree: Tree, file: str) -> bool:
    """Whether a tar has texts, labels or fields beside its images, or a folder has only tars."""
    if file:
        return False
    if not isinstance(tree, Tar):
        tars = any(is_tar(name) and tree.path(name) for name in tree.names)
        return tars and not any(is_image(name) for name in tree.names)
    samples = (sample for _, sample in zip(range(_LOOKED_AT), _samples(tree), strict=False))
    return any(sample.image and not _KNOWN.isdisjoint(sample.files) for sample in samples)


def webdataset(tree: Tree, file: str, options: ReadOptions) -> Source:
    """The samples of a tar, or of all tars of a folder."""
    notes: list[Entry] = []
    shards = [_Shard(tree, "", {})] if isinstance(tree, Tar) else list(_shards(tree, notes))
    found = Counter(name for shard in shards for name in _extensions(shard.tar))
    count = sum(sample.has_item for shard in shards for sample in _samples(shard.tar))
    if not count:
        raise UnreadableFile(tree.name, "its tars have no images and no captions")
    classes = _class_names(tree)
    columns = {f".{name}": role for name in found if (role := _role(name))}
    fields = next((f for shard in shards for f in _first_fields(shard.tar)), {})
    known = field_roles(fields, options)
    aside = [
        Aside(f".{name}", f"{n:,} files of this kind have no image, caption, label or fields")
        for name, n in sorted(found.items())
        if not _role(name) and name != _FIELDS
    ]
    for shard in shards:
        notes += shard.tar.rejected
    if len(shards) > 1:
        notes.append(Note(f"{len(shards):,} tars were read as parts of one."))
    columns |= {column: role for column, role in known.items() if role != "image"}
    said: list[str] = []
    places: dict[str, Place] = {}
    if _KNOWN.isdisjoint(found):
        named = _named(shards)
        said, by_path = places_of(list(named))
        places = {named[path]: place for path, place in by_path.items()}
    notes += map(Note, said)

    def entries() -> Iterator[Entry]:
        yield from notes
        for shard in shards:
            for sample in _samples(shard.tar):
                for entry in _entries(shard, sample, classes, options):
                    yield _placed(entry, places)

    reading = Reading(WEBDATASET.name, columns, (*aside, *_beside(tree)))
    return Source(tree.name, count, entries, reading)


@dataclass(frozen=True)
class _Shard:
    """A tar, the prefix of its names in the source, and attributes of all its images."""

    tar: Tar
    prefix: str
    attributes: Mapping[str, Value]


@dataclass(frozen=True)
class _Sample:
    """The files of one key, by what follows its first dot."""

    key: str
    image: str
    files: Mapping[str, str]

    @property
    def has_item(self) -> bool:
        """Whether there is an image, or a text without one."""
        return bool(self.image) or not {*_CAPTIONS, _FIELDS}.isdisjoint(self.files)


def key_of(name: str) -> str:
    """What the files of a sample share.

    >>> key_of("cat/0001.seg.png")
    'cat/0001'
    """
    return name[: len(name) - len(basename(name))] + basename(name).partition(".")[0]


def _samples(tar: Tar) -> Iterator[_Sample]:
    """Sorted names bring the files of a sample together."""
    for key, names in groupby(tar.names, key_of):
        files = {name[len(key) + 1 :].lower(): name for name in names}
        images = sorted((name for name in files if is_image(f"x.{name}")), key=_plain_first)
        yield _Sample(key, files[images[0]] if images else "", files)


def _plain_first(extension: str) -> tuple[int, str]:
    """`jpg` before `seg.png`."""
    return extension.count("."), extension


def _extensions(tar: Tar) -> Iterator[str]:
    for sample in _samples(tar):
        for name, file in sample.files.items():
            if not is_image(f"x.{name}") or file == sample.image:
                yield name
            else:
                yield f"{name} beside another image"


def _role(extension: str) -> str:
    if is_image(f"x.{extension}"):
        return "image"
    if extension in _CAPTIONS:
        return "caption"
    return "label" if extension in _LABELS else ""


def _shards(tree: Tree, notes: list[Entry]) -> Iterator[_Shard]:
    names = [name for name in tree.names if is_tar(name)]
    splits = {name: _split(name) for name in names}
    told_apart = len(set(splits.values())) > 1
    for name in names:
        try:
            tar = Tar(Path(tree.path(name)))
        except UnreadableFile as error:
            notes.append(Rejected(name, error.reason))
            continue
        split: dict[str, Value] = {"split": splits[name]} if told_apart and splits[name] else {}
        yield _Shard(tar, f"{name}/", split)


def _named(shards: Sequence[_Shard]) -> dict[str, str]:
    """The images of tars that have nothing else, by paths in which tars of classes are folders.

    Tars of one series, a-000.tar and a-001.tar, are none, unless their files are named after them.
    """
    stems = [key_of(shard.prefix.rstrip("/")) for shard in shards]
    series = len({re.sub(r"\d+", "", stem) for stem in stems}) < len(stems)
    named = {}
    for stem, shard in zip(stems, shards, strict=True):
        own = re.compile(rf"{re.escape(basename(stem))}(?![0-9])")
        folder = f"{stem}/"
        if series and not all(own.match(basename(name)) for name in shard.tar.names):
            folder = stem[: len(stem) - len(basename(stem))]
        for name in filter(is_image, shard.tar.names):
            named[folder + name] = shard.prefix + name
    return named


def _placed(entry: Entry, places: Mapping[str, Place]) -> Entry:
    if not isinstance(entry, Record) or entry.name not in places:
        return entry
    labels, attributes = places[entry.name]
    attributes = {**attributes, **entry.attributes}
    return replace(entry, labels=unique([*labels, *entry.labels]), attributes=attributes)


def _split(shard: str) -> str:
    """The split that the path of a shard names, or "".

    >>> _split("train/00000.tar"), _split("imagenet-val-000001.tar"), _split("00000.tar")
    ('train', 'val', '')
    """
    return next((SPLITS[w] for w in re.findall("[a-z]+", shard.lower()) if w in SPLITS), "")


def _beside(tree: Tree) -> list[Aside]:
    """Files beside the shards that were not read."""
    if isinstance(tree, Tar):
        return []
    rest = [name for name in tree.names if not is_tar(name) and basename(name) != _NAMES]
    left = []
    for ending, group in groupby(sorted(rest, key=lambda name: (suffix(name), name)), suffix):
        names = list(group)
        many = names[0] if len(names) == 1 else f"{len(names):,} files such as {names[0]}"
        reason = "only the tars were read"
        instead = f"sextant ingest {quote(tree.path(names[0]))}" if ending in _TABLES else ""
        left.append(Aside(many, reason, instead))
    return left


def _class_names(tree: Tree) -> Sequence[str]:
    for name in tree.names:
        if basename(name) == _NAMES:
            return as_text(tree.read(name)).split("\n")
    return ()


def _first_fields(tar: Tar) -> Iterator[Mapping[str, object]]:
    for sample in _samples(tar):
        if _FIELDS in sample.files:
            try:
                yield fields_of(tar, sample.files[_FIELDS])
            except UnreadableFile:
                continue
            return


def _entries(
    shard: _Shard, sample: _Sample, classes: Sequence[str], options: ReadOptions
) -> Iterator[Entry]:
    """The record of a sample, after what is wrong with its parts."""
    name = shard.prefix + (sample.image or sample.key)
    captions: list[str] = []
    labels: list[str] = []
    attributes = dict(shard.attributes)
    for extension, file in sample.files.items():
        try:
            if extension in _CAPTIONS:
                content = as_text(shard.tar.read(file))
                if is_boxes(content):
                    yield Rejected(file, "numbers, such as boxes, are no captions")
                    continue
                rows = lines(file, content)
                captions += [c for row in rows if isinstance(row, Row) for c in row.captions]
                yield from (row for row in rows if isinstance(row, Rejected))
            elif extension in _LABELS:
                labels += _labels(as_text(shard.tar.read(file)), classes)
            elif extension == _FIELDS:
                row = row_beside(shard.tar, file, options)
                yield from row.rejected
                captions += row.captions
                labels += row.labels
                attributes |= row.attributes
        except UnreadableFile as error:
            yield rejected(error)
    if sample.image:
        read = partial(shard.tar.read, sample.image)
        yield Record(name, read, "", unique(captions), unique(labels), attributes)
    elif captions:
        yield Record(name, None, "", unique(captions), unique(labels), attributes)


def _labels(text: str, classes: Sequence[str]) -> list[str]:
    """The labels of a .cls: a line each, names in place of numbers where they are known.

    >>> _labels("1", ["cat", "dog"]), _labels("7", [])
    (['dog'], ['7'])
    """
    labels = [line.strip() for line in text.splitlines() if line.strip()]
    return [
        classes[int(label)].strip() if label.isdecimal() and int(label) < len(classes) else label
        for label in labels
    ]


WEBDATASET = SourceForm(
    name="webdataset",
    title="Webdataset, as of img2dataset or CLIP benchmark",
    recognized="A .tar, or a folder of them, in which files of one name belong together.",
    taken=(
        ".jpg, .png, .webp (image), .txt (caption), .cls (label; classnames.txt beside the tars "
        "has the names), .json (caption, label; its other fields are attributes). Tars of images "
        "alone are folders of classes."
    ),
    example="00000.tar: 0001.jpg, 0001.txt, 0001.json",
    recognizes=is_webdataset,
    read=webdataset,
)

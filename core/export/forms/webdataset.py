"""WebDataset: tar files of images, each with its captions, its fields and its vectors.

images-000000.tar         000000000.jpg, .txt (captions, one per line), .json (all fields),
.npy (its vector), .2.npy (that of a second encoder)
texts-000000.tar          the same of the texts, without an image
sextant.json              what the fields mean
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from core.errors import UnreadableFile
from core.export.contents import Contents, Row
from core.export.manifest import KEY, Manifest
from core.export.names import ending_of
from core.export.records import fields, row_of
from core.types import Floats

SUFFIX = "-webdataset"
ABOUT = "Tar files of images with captions, for training; every image is in them"
MANIFEST = f"{KEY}.json"
SHARD_SAMPLES, SHARD_BYTES = 10_000, 2**30


def write(contents: Contents, place: Path) -> None:
    """Write sample by sample; a new tar after so many samples or bytes."""
    place.mkdir()
    (place / MANIFEST).write_text(contents.manifest.to_json(), "utf-8")
    with _Shards(place, "images") as images, _Shards(place, "texts") as texts:
        for rows in contents.batches("all"):
            for row in rows:
                of_kind = images if row.item.kind == "image" else texts
                of_kind.add(row, contents.manifest)


def manifest(place: Path) -> Manifest | None:
    """From the file in it."""
    file = place / MANIFEST
    try:
        return Manifest.from_json(file.read_bytes()) if file.is_file() else None
    except OSError:
        return None


def read(place: Path, manifest: Manifest) -> Iterator[list[Row]]:
    """Read sample by sample, tar by tar."""
    batch: list[Row] = []
    for shard in sorted(place.glob("*.tar")):
        for row in _samples(shard, manifest):
            batch.append(row)
            if len(batch) == 128:
                yield batch
                batch = []
    yield batch


class _Shards:
    """The open tar of one kind, its samples and bytes."""

    def __init__(self, place: Path, name: str) -> None:
        self._place, self._name = place, name
        self._tar: tarfile.TarFile | None = None
        self._shards = self._n = self._samples = self._bytes = 0

    def __enter__(self) -> _Shards:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._close()

    def add(self, row: Row, manifest: Manifest) -> None:
        values = fields(row, manifest)
        image = values.pop("image", None)
        if image and image["path"]:
            values["image"] = image["path"]
        members: dict[str, bytes] = {}
        if row.item.kind == "image":
            if row.item.payload:
                members[ending_of(row.item.payload)] = row.item.payload
            members[".txt"] = "\n".join(" ".join(c.split()) for c in row.captions).encode()
        else:
            members[".txt"] = row.item.payload
        members[".json"] = json.dumps(values, ensure_ascii=False).encode()
        for at, vector in enumerate(row.vectors):
            if vector is not None:
                members[_ending(at)] = _npy(vector)
        self._write(members)

    def _write(self, members: dict[str, bytes]) -> None:
        size = sum(map(len, members.values()))
        full = self._samples >= SHARD_SAMPLES or self._bytes + size > SHARD_BYTES
        if self._tar is None or (full and self._samples):
            self._close()
            shard = self._place / f"{self._name}-{self._shards:06}.tar"
            self._tar = tarfile.TarFile(shard, "w")
            self._shards, self._samples, self._bytes = self._shards + 1, 0, 0
        for ending, data in members.items():
            about = tarfile.TarInfo(f"{self._n:09}{ending}")
            about.size = len(data)
            self._tar.addfile(about, io.BytesIO(data))
        self._n, self._samples, self._bytes = self._n + 1, self._samples + 1, self._bytes + size

    def _close(self) -> None:
        if self._tar is not None:
            self._tar.close()


def _samples(shard: Path, manifest: Manifest) -> Iterator[Row]:
    """The rows of one tar."""
    sample: dict[str, bytes] = {}
    key = ""
    try:
        with tarfile.open(shard, "r|") as tar:
            for member in tar:
                file = tar.extractfile(member)
                stem, _, ending = member.name.partition(".")
                if stem != key and sample:
                    yield _row(sample, manifest)
                    sample = {}
                key = stem
                if file is not None:
                    sample[f".{ending}"] = file.read()
        if sample:
            yield _row(sample, manifest)
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        name = f"{shard.name}, sample {key}"
        raise UnreadableFile(name, "it is not as Sextant exports it") from error


def _row(sample: dict[str, bytes], manifest: Manifest) -> Row:
    values: dict[str, Any] = json.loads(sample[".json"])
    known = [_ending(at) for at in range(len(manifest.passports))]
    pixels = [e for e in sample if e not in (".json", ".txt", *known)]
    payload = sample[pixels[0]] if pixels else b""
    vectors = tuple(_array(sample[e]) if e in sample else None for e in known)
    row = row_of(values, manifest, payload=payload, vectors=vectors)
    # The image in the tar is the one that counts: the store copies it.
    return replace(row, item=replace(row.item, source="")) if payload else row


def _ending(at: int) -> str:
    return ".npy" if not at else f".{at + 1}.npy"


def _npy(vector: Floats) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(vector, np.float32))
    return file.getvalue()


def _array(data: bytes) -> Floats:
    return np.load(io.BytesIO(data), allow_pickle=False)

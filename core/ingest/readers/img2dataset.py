"""What img2dataset writes as "files": shards of images, each with its caption and its fields."""

from __future__ import annotations

import json
import re
from posixpath import basename

from core.errors import UnreadableFile
from core.ingest.readers.files import Tree, suffix
from core.ingest.readers.folders import Contents, Tables, with_tables
from core.ingest.readers.forms import SourceForm
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.records import Note, ReadOptions, Source
from core.ingest.readers.sidecars import group

_IMAGE = re.compile(r"(?:.*/)?(\d{5,})/\1\d{3,}\.\w+")  # 00000/000000012.jpg
_LOOKED_AT = 1000
_STATS = "_stats.json"


def _recognizes(tree: Tree, file: str) -> bool:
    """Numbered images with fields beside them; without, the shards' Parquet has the fields."""
    if file or not any(suffix(name) == ".json" for name in tree.names if "/" in name):
        return False
    images = [name for name in tree.names if is_image(name)]
    return bool(images) and all(map(_IMAGE.fullmatch, images[:_LOOKED_AT]))


def _read(tree: Tree, file: str, options: ReadOptions) -> Source:
    failed, count = _downloads(tree)
    records = [n for n in tree.names if suffix(n) == ".parquet" or basename(n).endswith(_STATS)]
    tables = Tables(known=records)
    if records:
        tables.left_aside.append(group(records, "downloads; their fields are beside each image"))
    if failed:
        tables.notes.append(Note(f"{failed:,} of {count:,} images were not downloaded."))
    return with_tables(Contents(tree, options), tables, None, IMG2DATASET.name)


def _downloads(tree: Tree) -> tuple[int, int]:
    """How many images could not be downloaded, of how many."""
    failed = count = 0
    for name in tree.names:
        if basename(name).endswith(_STATS):
            try:
                stats = json.loads(tree.read(name))
                failed += int(stats["count"]) - int(stats["successes"])
                count += int(stats["count"])
            except (UnreadableFile, ValueError, KeyError, TypeError):
                continue
    return failed, count


IMG2DATASET = SourceForm(
    name="img2dataset",
    title="img2dataset, output format files",
    recognized="A folder of numbered folders whose images have their folder's number first.",
    taken="The .txt of an image is its caption; the fields of its .json are attributes.",
    example="00000/000000012.jpg\n00000/000000012.txt\n00000/000000012.json\n00000.parquet",
    recognizes=_recognizes,
    read=_read,
)

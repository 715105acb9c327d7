"""Imagefolder of Hugging Face: metadata.csv or metadata.jsonl, perhaps one in each split."""

from __future__ import annotations

from posixpath import basename

from core.ingest.readers.files import Tree
from core.ingest.readers.folders import Contents, Tables, read_tables, with_tables
from core.ingest.readers.forms import SourceForm
from core.ingest.readers.loose_images import is_image
from core.ingest.readers.records import ReadOptions, Source

_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


def _metadata(tree: Tree) -> list[str]:
    return [name for name in tree.names if basename(name) in _NAMES]


def _recognizes(tree: Tree, file: str) -> bool:
    return not file and bool(_metadata(tree)) and any(map(is_image, tree.names))


def _read(tree: Tree, file: str, options: ReadOptions) -> Source:
    contents, tables = Contents(tree, options), Tables()
    read_tables(contents, _metadata(tree), tables)
    return with_tables(contents, tables, None, IMAGEFOLDER.name)


IMAGEFOLDER = SourceForm(
    name="imagefolder",
    title="Hugging Face, imagefolder",
    recognized="A folder or zip of images with metadata.csv, .jsonl or .parquet in any folder.",
    taken=(
        "file_name is the image, from the folder of the metadata; text or caption its caption, "
        "label its label; train, validation and test are splits; other columns are attributes."
    ),
    example="train/a.jpg\ntrain/metadata.csv:\nfile_name,text\na.jpg,A dog runs.",
    recognizes=_recognizes,
    read=_read,
)

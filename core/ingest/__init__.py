"""Bytes in, stored items and vectors out."""

from core.ingest import demo, uploads
from core.ingest.augmentations import AUGMENTATIONS, Augmentation
from core.ingest.images import IMAGE_SUFFIXES, decode, overlay, thumbnail
from core.ingest.pipeline import add_encoder, encode_again, ingest
from core.ingest.preview import Preview, PreviewRow, preview, preview_row
from core.ingest.readers.detect import FORMS, read
from core.ingest.readers.files import allowed
from core.ingest.readers.records import Aside, Reading, ReadOptions
from core.ingest.readers.vectors import is_vectors, read_vectors
from core.ingest.stored_images import StoredImages
from core.ingest.token_vectors import add_tokens, pool_tokens, pooling_of
from core.ingest.vectors import import_vectors
from core.ingest.writer import IngestReport

__all__ = [
    "AUGMENTATIONS",
    "FORMS",
    "IMAGE_SUFFIXES",
    "Aside",
    "Augmentation",
    "IngestReport",
    "Preview",
    "PreviewRow",
    "ReadOptions",
    "Reading",
    "StoredImages",
    "add_encoder",
    "add_tokens",
    "allowed",
    "decode",
    "demo",
    "encode_again",
    "import_vectors",
    "ingest",
    "is_vectors",
    "overlay",
    "pool_tokens",
    "pooling_of",
    "preview",
    "preview_row",
    "read",
    "read_vectors",
    "thumbnail",
    "uploads",
]

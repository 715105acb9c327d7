"""Ingest: files to records, bytes to pixels, bad input to sentences. The only reader of files."""

from core.ingest.overlay import overlay
from core.ingest.pictures import MAX_PIXELS, decode, thumbnail
from core.ingest.records import Record, Source, items_of
from core.ingest.sources import FORMS, read
from core.ingest.vectors import VectorIntake, is_vectors, read_vectors

__all__ = [
    "FORMS",
    "MAX_PIXELS",
    "Record",
    "Source",
    "VectorIntake",
    "decode",
    "is_vectors",
    "items_of",
    "overlay",
    "read",
    "read_vectors",
    "thumbnail",
]

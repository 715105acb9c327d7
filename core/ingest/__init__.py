"""Ingest: files to records, bytes to pixels, bad input to sentences. The only reader of files."""

from core.ingest.pictures import MAX_PIXELS, decode, thumbnail

__all__ = ["MAX_PIXELS", "decode", "thumbnail"]

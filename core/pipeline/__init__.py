"""From a source to stored vectors: threads decode, the encoder encodes, chunks are written.

Every write is a merge by id, so a run that was killed is simply run again: what has a vector is not
even decoded, and at most one chunk is encoded twice.
"""

from core.pipeline.brought import bring
from core.pipeline.passports import check_passport, passport_for
from core.pipeline.report import Report
from core.pipeline.run import add_encoder, ingest
from core.pipeline.tokens import add_tokens, few, pooling_of

__all__ = [
    "Report",
    "add_encoder",
    "add_tokens",
    "bring",
    "check_passport",
    "few",
    "ingest",
    "passport_for",
    "pooling_of",
]

"""Token vectors for what is in a collection: encoded, pooled to a few an item, kept in chunks."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from core.encoders import Encoder
from core.errors import UnreadableFile
from core.ingest import decode
from core.jobs import Cancelled
from core.pipeline.passports import passport_for
from core.pipeline.report import Report
from core.pooling import pooled
from core.types import Floats, Item, Passport, Progress, Refusal, Tokens

if TYPE_CHECKING:
    from PIL.Image import Image

    from core.store import Collection

KEPT = 8
"""Vectors an item keeps: a tenth of the starter's places; see `sextant bench multivector`."""
BATCH, CHUNK_ITEMS, CHUNK_SECONDS = 16, 512, 30.0


def few(tokens: Tokens, k: int = KEPT) -> Floats:
    """At most k unit vectors that stand for the parts that show something."""
    return pooled(tokens.spoken().vectors, k)[0]


def add_tokens(collection: Collection, encoder: Encoder, progress: Progress) -> Report:
    """Store token vectors of all items that this encoder has encoded and that have none.

    Raises:
        NoTokens: the encoder makes none.
        PassportMismatch: the collection's vectors of that model are not this encoder's.
    """
    passport = passport_for(collection, encoder)
    encoder.text_tokens([])  # refuses at once where there are none
    todo = sorted(collection.vector_ids(passport) - collection.tokens.ids(passport))
    run = _Run(collection, encoder, passport)
    progress(0, len(todo))
    try:
        for n, item in enumerate(collection.filled(todo), 1):
            run.take(item)
            progress(n, len(todo))
        run.encode()
    except (Cancelled, KeyboardInterrupt):
        run.flush()
        raise
    run.flush()
    if run.report.encoded:
        collection.optimize()
    size = collection.tokens.bytes_per_item(passport)
    run.report.notes.append(f"Token vectors take {size:,.0f} bytes an item.")
    return run.report


class _Run:
    """Items that wait to be encoded, and vectors that wait to be written."""

    def __init__(self, collection: Collection, encoder: Encoder, passport: Passport) -> None:
        self.report = Report(collection.name)
        self._collection, self._encoder, self._passport = collection, encoder, passport
        self._images: dict[str, Image] = {}
        self._texts: dict[str, str] = {}
        self._kept: dict[str, Floats] = {}
        self._since = monotonic()

    def take(self, item: Item | Refusal) -> None:
        """Queue an item; encode and write when there is enough."""
        if isinstance(item, Refusal):
            self.report.refused.append(item)
            return
        if item.kind == "text":
            self._texts[item.id] = item.text
        else:
            try:
                self._images[item.id] = decode(item.payload, item.name)
            except UnreadableFile as error:
                self.report.refused.append(Refusal(item.name, error.reason))
        if max(len(self._images), len(self._texts)) >= BATCH:
            self.encode()
        if len(self._kept) >= CHUNK_ITEMS or monotonic() - self._since > CHUNK_SECONDS:
            self.flush()

    def encode(self) -> None:
        """Encode what is queued."""
        images = self._encoder.image_tokens(list(self._images.values())) if self._images else []
        texts = self._encoder.text_tokens(list(self._texts.values())) if self._texts else []
        self._kept |= dict(
            zip([*self._images, *self._texts], map(few, [*images, *texts]), strict=True)
        )
        self._images, self._texts = {}, {}

    def flush(self) -> None:
        """Write what is encoded."""
        if self._kept:
            ids = list(self._kept)
            self._collection.tokens.write(self._passport, ids, list(self._kept.values()))
            self.report.encoded += len(ids)
        self._kept, self._since = {}, monotonic()

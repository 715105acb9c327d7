"""Token vectors for what is in a collection: encoded, pooled to a few an item, kept in chunks."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from core.encoders import Encoder
from core.errors import Cancelled, UnreadableFile
from core.ingest.images import decode
from core.ingest.writer import IngestReport, passport_for
from core.numerics.multivector import pool
from core.types import Floats, Item, Passport, Pooling, Progress, Rejected, Tokens, named

if TYPE_CHECKING:
    from PIL.Image import Image

    from core.store import Collection


BATCH, CHUNK_ITEMS, CHUNK_SECONDS = 16, 512, 30.0


def pool_tokens(tokens: Tokens, pooling: Pooling) -> Floats:
    """A few unit vectors that stand for the parts that show something."""
    return pool(tokens.spoken().vectors, pooling)


def pooling_of(collection: Collection, passport: Passport) -> Pooling:
    """How most of the stored token vectors were pooled; the usual where there are none."""
    ways = collection.tokens.stored(passport).poolings
    return named(max(ways, key=lambda way: ways[way])) if ways else Pooling()


def add_tokens(
    collection: Collection, encoder: Encoder, progress: Progress, pooling: Pooling | None = None
) -> IngestReport:
    """Store token vectors of all items that this encoder has encoded and that have none.

    Args:
        collection: where the items are.
        encoder: makes the vectors.
        progress: called with (items done, items in all).
        pooling: how an item's vectors are made fewer; without, as those that are there. Items whose
            vectors were pooled in another way get new ones.

    Raises:
        NoTokens: the encoder makes none.
        PassportMismatch: the collection's vectors of that model are not this encoder's.
    """
    passport = passport_for(collection, encoder)
    encoder.text_tokens([])  # refuses at once where there are none
    pooling = pooling or pooling_of(collection, passport)
    done = collection.tokens.ids(passport, pooling.name)
    todo = sorted(collection.vector_ids(passport) - done)
    run = _Run(collection, encoder, passport, pooling)
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
    size = collection.tokens.stored(passport).bytes_per_item
    run.report.notes.append(f"Token vectors take {size:,.0f} bytes an item: {pooling.sentence}.")
    return run.report


class _Run:
    """Items that wait to be encoded, and vectors that wait to be written."""

    def __init__(
        self, collection: Collection, encoder: Encoder, passport: Passport, pooling: Pooling
    ) -> None:
        self.report = IngestReport(collection.name)
        self._collection, self._encoder, self._passport = collection, encoder, passport
        self._pooling = pooling
        self._images: dict[str, Image] = {}
        self._texts: dict[str, str] = {}
        self._kept: dict[str, Floats] = {}
        self._since = monotonic()

    def take(self, item: Item | Rejected) -> None:
        """Queue an item; encode and write when there is enough."""
        if isinstance(item, Rejected):
            self.report.refused.append(item)
            return
        if item.kind == "text":
            self._texts[item.id] = item.text
        else:
            try:
                self._images[item.id] = decode(item.payload, item.name)
            except UnreadableFile as error:
                self.report.refused.append(Rejected(item.name, error.reason))
        if max(len(self._images), len(self._texts)) >= BATCH:
            self.encode()
        if len(self._kept) >= CHUNK_ITEMS or monotonic() - self._since > CHUNK_SECONDS:
            self.flush()

    def encode(self) -> None:
        """Encode what is queued."""
        images = self._encoder.image_tokens(list(self._images.values())) if self._images else []
        texts = self._encoder.text_tokens(list(self._texts.values())) if self._texts else []
        kept = [pool_tokens(tokens, self._pooling) for tokens in (*images, *texts)]
        self._kept |= dict(zip([*self._images, *self._texts], kept, strict=True))
        self._images, self._texts = {}, {}

    def flush(self) -> None:
        """Write what is encoded."""
        if self._kept:
            ids = list(self._kept)
            vectors, how = list(self._kept.values()), self._pooling.name
            self._collection.tokens.write(self._passport, ids, vectors, how)
            self.report.encoded += len(ids)
        self._kept, self._since = {}, monotonic()

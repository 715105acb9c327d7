"""Token vectors of the items of a collection: encoded, pooled and stored in chunks."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from core.encoders import Encoder
from core.errors import Cancelled, UnreadableFile
from core.ingest.images import decode
from core.ingest.writer import IngestReport, passport_for
from core.numerics.multivector import pool
from core.types import Floats, Item, Passport, Pooling, Progress, Rejected, Tokens

if TYPE_CHECKING:
    from PIL.Image import Image

    from core.store import Collection

BATCH, CHUNK_ITEMS, CHUNK_SECONDS = 16, 512, 30.0


def pool_tokens(tokens: Tokens, pooling: Pooling) -> Floats:
    """A few unit vectors in place of the token vectors of an item, special tokens excluded."""
    return pool(tokens.content_words().vectors, pooling)


def pooling_of(collection: Collection, passport: Passport) -> Pooling:
    """The pooling of most stored token vectors; the default where there are none."""
    ways = collection.tokens.stored(passport).poolings
    return Pooling.parse(max(ways, key=lambda way: ways[way])) if ways else Pooling()


def add_tokens(
    collection: Collection, encoder: Encoder, progress: Progress, pooling: Pooling | None = None
) -> IngestReport:
    """Store token vectors of all items that have a vector of this encoder and no token vectors.

    Args:
        collection: has the items.
        encoder: computes the vectors.
        progress: called with (items done, all items).
        pooling: how an item's token vectors are pooled; by default, like the stored ones. Items
            with another pooling get new vectors.

    Raises:
        NoTokens: the encoder has no token vectors.
        PassportMismatch: the collection's vectors of that model are not this encoder's.
    """
    passport = passport_for(collection, encoder)
    encoder.text_tokens([])  # raises NoTokens
    pooling = pooling or pooling_of(collection, passport)
    done = collection.tokens.ids(passport, pooling.name)
    todo = sorted(collection.vector_ids(passport) - done)
    run = _Run(collection, encoder, passport, pooling)
    progress(0, len(todo))
    try:
        for n, item in enumerate(collection.with_payload(todo), 1):
            run.add(item)
            progress(n, len(todo))
        run.encode()
    except (Cancelled, KeyboardInterrupt):
        run.flush()
        raise
    run.flush()
    if run.report.encoded:
        collection.optimize()
    size = collection.tokens.stored(passport).bytes_per_item
    run.report.notes.append(f"Token vectors take {size:,.0f} bytes per item: {pooling.sentence}.")
    return run.report


class _Run:
    """Items to be encoded, and vectors to be written."""

    def __init__(
        self, collection: Collection, encoder: Encoder, passport: Passport, pooling: Pooling
    ) -> None:
        self.report = IngestReport(collection.name)
        self._collection, self._encoder, self._passport = collection, encoder, passport
        self._pooling = pooling
        self._images: dict[str, Image] = {}
        self._texts: dict[str, str] = {}
        self._vectors: dict[str, Floats] = {}
        self._since = monotonic()

    def add(self, item: Item | Rejected) -> None:
        """Queue an item; encode full batches and write full chunks."""
        if isinstance(item, Rejected):
            self.report.rejected.append(item)
            return
        if item.kind == "text":
            self._texts[item.id] = item.text
        else:
            try:
                self._images[item.id] = decode(item.payload, item.name)
            except UnreadableFile as error:
                self.report.rejected.append(Rejected(item.name, error.reason))
        if max(len(self._images), len(self._texts)) >= BATCH:
            self.encode()
        if len(self._vectors) >= CHUNK_ITEMS or monotonic() - self._since > CHUNK_SECONDS:
            self.flush()

    def encode(self) -> None:
        """Encode the queue."""
        images = self._encoder.image_tokens(list(self._images.values())) if self._images else []
        texts = self._encoder.text_tokens(list(self._texts.values())) if self._texts else []
        pooled = [pool_tokens(tokens, self._pooling) for tokens in (*images, *texts)]
        self._vectors |= dict(zip([*self._images, *self._texts], pooled, strict=True))
        self._images, self._texts = {}, {}

    def flush(self) -> None:
        """Write the vectors."""
        if self._vectors:
            ids, vectors = list(self._vectors), list(self._vectors.values())
            self._collection.tokens.write(self._passport, ids, vectors, self._pooling.name)
            self.report.encoded += len(ids)
        self._vectors, self._since = {}, monotonic()

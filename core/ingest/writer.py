"""What a run did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.encoders import Encoder
from core.types import Passport, Rejected

if TYPE_CHECKING:
    from core.store import Collection


from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from core.encoders import long_text_note
from core.ingest.prepare import PreparedRecord
from core.types import Floats, Item

if TYPE_CHECKING:
    from core.store import Collection


@dataclass
class IngestReport:
    """What a run did. `repeated` names what was already there, `refused` what was not taken."""

    collection: str
    images: int = 0
    texts: int = 0
    repeated: list[str] = field(default_factory=list)
    refused: list[Rejected] = field(default_factory=list)
    encoded: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The document that `sextant ingest --json` prints."""
        return {
            "collection": self.collection,
            "added": {"image": self.images, "text": self.texts},
            "repeated": self.repeated,
            "refused": [{"name": r.name, "reason": r.reason} for r in self.refused],
            "encoded": self.encoded,
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
        }


def passport_for(collection: Collection, encoder: Encoder) -> Passport:
    """The passport of the collection's vectors that this encoder makes, or would begin.

    Raises:
        PassportMismatch: vectors of that model are there, but this encoder would make others.
    """
    for stored in collection.passports():
        if stored.model == encoder.passport.model:
            stored.check(encoder.passport)
            return stored
    return encoder.passport


CHUNK_ROWS = 1000
CHUNK_SECONDS = 30.0
IMAGE_BATCH = 32
TEXT_BATCH = 64


class Writer:
    """Collects what is ready, encodes it in batches and writes it in chunks."""

    def __init__(
        self, collection: Collection, encoder: Encoder, passport: Passport, done: set[str]
    ) -> None:
        self.collection, self.encoder, self.passport = collection, encoder, passport
        self.report = IngestReport(collection.name)
        self.wrote = False
        self._known = collection.item_ids()
        self._done = set(done)
        self._images: list[tuple[str, Floats]] = []
        self._texts: list[Item] = []
        self._new: dict[str, Item] = {}
        self._pairs: dict[tuple[str, str], None] = {}
        self._thumbnails: dict[str, bytes] = {}
        self._ids: list[str] = []
        self._rows: list[Floats] = []
        self._since = monotonic()
        self._long = 0

    def take(self, ready: PreparedRecord) -> None:
        """Queue one record's items; encode and write when there is enough."""
        if ready.refused:
            self.report.refused.append(ready.refused)
            return
        for item in ready.items:
            self._take_item(item, ready)
        self._pairs.update(dict.fromkeys(ready.pairs))
        if len(self._images) >= IMAGE_BATCH or len(self._texts) >= TEXT_BATCH:
            self.encode()
        if len(self._ids) >= CHUNK_ROWS or monotonic() - self._since > CHUNK_SECONDS:
            self.encode()
            self.flush()

    def _take_item(self, item: Item, ready: PreparedRecord) -> None:
        if item.id in self._known:
            if not ready.stored:
                self.report.repeated.append(item.name)
        else:
            self._known.add(item.id)
            self._new[item.id] = item
            if item.kind == "image":
                self.report.images += 1
                self._thumbnails[item.id] = ready.thumbnail
            else:
                self.report.texts += 1
        if item.id not in self._done:
            self._done.add(item.id)
            if item.kind == "text":
                self._texts.append(item)
            elif ready.pixels is not None:
                self._images.append((item.id, ready.pixels))

    def encode(self) -> None:
        """Encode what is queued."""
        if self._images:
            pixels = np.stack([p for _, p in self._images])
            self._keep([i for i, _ in self._images], self.encoder.encode_prepared(pixels))
            self._images.clear()
        if self._texts:
            rows = self.encoder.encode_texts([t.text for t in self._texts])
            self._long += sum(bool(long_text_note(self.encoder, t.text)) for t in self._texts)
            self._keep([t.id for t in self._texts], rows)
            self._texts.clear()

    def _keep(self, ids: list[str], rows: Floats) -> None:
        self._ids += ids
        self._rows.append(rows)
        self.report.encoded += len(ids)

    def note_long_texts(self) -> None:
        """Say in the report how texts were read that are longer than the encoder reads at once."""
        if self._long:
            how = {
                "": "what is beyond its limit is left out, as it was for the others there",
                "windows": "each is read in windows, whose vectors are averaged",
            }.get(self.passport.long_text, "each is read with longer positions")
            texts = "1 text is" if self._long == 1 else f"{self._long:,} texts are"
            self.report.notes.append(f"{texts} longer than the encoder reads at once: {how}.")

    def flush(self) -> None:
        """Write the chunk: items before the vectors that refer to them."""
        if self._new or self._pairs:
            self.collection.add(list(self._new.values()), list(self._pairs), self._thumbnails)
        if self._ids:
            rows = np.concatenate(self._rows)
            self.collection.write_vectors(self.passport, self._ids, rows)
        self.wrote = self.wrote or bool(self._new or self._ids)
        self._new, self._pairs, self._thumbnails = {}, {}, {}
        self._ids, self._rows, self._since = [], [], monotonic()

"""Parts of items: storing their vectors, and why an item answers a question."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core import ingest, search
from core.encoders import PROMPT, Encoder
from core.errors import InputError, UnknownItem
from core.search import ExplainedQuery, Explanation, explain
from core.types import Floats, Part, Passport, Pooling, Progress, Query, Space, StoredTokens, Tokens
from core.workbench.ingest import no_progress
from core.workbench.search import Searching

if TYPE_CHECKING:
    from PIL.Image import Image


class Detailing(Searching):
    """The verbs that look at the places of pictures and the words of texts."""

    def add_tokens(
        self,
        name: str,
        encoder: str | None = None,
        *,
        pooling: Pooling | None = None,
        progress: Progress = no_progress,
    ) -> ingest.IngestReport:
        """Store a few vectors for the parts of each item, to search and to rerank by.

        What was stored stays, unless another pooling is asked for; a run that was stopped goes on
        where it was.

        Args:
            name: the collection.
            encoder: whose vectors they go with; the collection's first without.
            pooling: how an item's vectors are made fewer; without, as those that are there.
            progress: called with (items done, items in all); may raise to stop.

        Raises:
            NoTokens: the encoder makes none.
            NoTextSearch: the encoder is not at hand.
        """
        collection = self.home.open(name)
        loaded = search.encoder_for(collection.passport(encoder))
        return ingest.add_tokens(collection, loaded, progress, pooling)

    def tokens_stored(self, name: str, encoder: str | None = None) -> StoredTokens:
        """How many items have token vectors, their mean size, and how they were pooled."""
        collection = self.home.open(name)
        return collection.tokens.stored(collection.passport(encoder))

    def tokens_version(self, name: str, encoder: str | None = None) -> str:
        """Changes when any process has written token vectors; no two collections share one."""
        collection = self.home.open(name)
        return collection.tokens.version(collection.passport(encoder))

    def explain(self, name: str, query: Query, id_: str, encoder: str | None = None) -> Explanation:
        """Why an item answers a question, by cosine alone; see `core.search.explanation`.

        Where the encoder has no vectors for places and words, the rest is told with a note.

        Raises:
            NoTextSearch: the question needs an encoder that is not at hand.
            UnknownName: no such collection.
            UnknownItem: no such item in it.
        """
        space, passport = self.space(name, encoder), self.passport(name, encoder)
        if id_ not in space.row:
            raise UnknownItem("item", id_)
        row, collection = space.row[id_], self.home.open(name)
        allowed = np.ones(space.n, bool)
        if query.filters:
            allowed = collection.mask(query.filters, space.ids)
        allowed[search.query_rows(space, query)] = False
        loaded, words, places, note = None, None, None, ""
        try:
            loaded = search.encoder_for(passport)
            words = _words(loaded, query)
            if row < space.n_images:
                places = self._places(name, id_, loaded)
        except InputError as problem:
            note = str(problem)
        return explain(
            space, row, _asked(space, passport, query, words, loaded),
            allowed=allowed, places=places, note=note,
        )  # fmt: skip

    def overlay(
        self,
        name: str,
        id_: str,
        map_: Floats,
        ends: tuple[float, float],
        *,
        view: str,
        strength: float,
    ) -> bytes:
        """An image with a map of similarities laid over it; see `core.ingest.images.overlay`."""
        from core.ingest import overlay

        data = self.picture(name, id_)
        return overlay(data, map_, ends, view=view, strength=strength, name=id_)

    def readable_image(self, data: bytes, name: str) -> Image:
        """An image file decoded: upright and RGB, whatever it was.

        Raises:
            UnreadableFile: it is no image, or only a part of one.
        """
        from core.ingest import decode

        return decode(data, name)

    def _places(self, name: str, id_: str, loaded: Encoder) -> Tokens:
        from core.ingest import decode

        return loaded.image_tokens([decode(self.picture(name, id_), id_)])[0]


def _words(loaded: Encoder, query: Query) -> Tokens | None:
    """The words of a question that is one text; of other questions None."""
    texts = [part.text for part in query.parts]
    return loaded.text_tokens(texts)[0] if len(texts) == 1 and texts[0] else None


def _asked(
    space: Space, passport: Passport, query: Query, words: Tokens | None, loaded: Encoder | None
) -> ExplainedQuery:
    """The question's vector, what it would be without each of its words, and the words alone."""
    if words is None or loaded is None:
        return ExplainedQuery(search.query_vector(space, passport, query))
    text = query.parts[0].text
    said = words.spoken().words
    left = [_without(text, word) for word in said]
    queries = [replace(query, parts=(Part(rest or text),)) for rest in left]
    vectors = search.query_vectors(space, passport, [query, *queries])
    named = loaded.encode_texts([PROMPT.format(word) if word else text for word in said])
    return ExplainedQuery(vectors[0], words, vectors[1:], named)


def _without(text: str, word: str) -> str:
    """A text with the first place of a word left out.

    >>> _without("a red dog and a red cat", "red")
    'a dog and a red cat'
    """
    found = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "", text, count=1, flags=re.IGNORECASE)
    return " ".join(found.split())

"""Why an item is a result of a query, and images as a page shows them."""

from __future__ import annotations

import re
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from core import search
from core.encoders import PROMPT, Encoder
from core.errors import InputError, UnknownItem
from core.ingest import decode
from core.ingest import overlay as draw_overlay
from core.search import ExplainedQuery, Explanation
from core.types import Floats, Kind, Part, Query, Tokens

if TYPE_CHECKING:
    from PIL.Image import Image

    from core.store import EncodedCollection
REPAIRED = "Contributions of words and patches are those of the encoder; a recipe changes them."


def explain(opened: EncodedCollection, query: Query, id_: str) -> Explanation:
    """Why an item is a result of a query, by cosine alone; see `core.search.explanation`.

    Where the encoder has no token vectors, the rest is explained, with a note.

    Raises:
        NoTextSearch: the query needs an encoder that is not available.
        UnknownItem: no such item in the collection.
    """
    space, collection = opened.space, opened.collection
    if id_ not in space.row:
        raise UnknownItem("item", id_)
    row, allowed = space.row[id_], np.ones(space.n, bool)
    if query.filters:
        allowed = collection.mask(query.filters, space.ids)
    allowed[search.query_rows(space, query)] = False
    encoder, tokens, patches, note = None, None, None, ""
    try:
        if opened.recipe:
            raise InputError(REPAIRED)
        encoder = search.encoder_for(opened.passport)
        tokens = _text_tokens(encoder, query)
        if row < space.n_images:
            patches = encoder.image_tokens([decode(collection.payload(id_), id_)])[0]
    except InputError as problem:
        note = str(problem)
    explained = _explained(opened, query, tokens, encoder)
    why = search.explain(space, row, explained, allowed=allowed, patches=patches, note=note)
    kind: Kind = "image" if row < space.n_images else "text"
    plan = search.prepare(opened, replace(query, kinds=(kind,), k=1), explained.vector)
    result, cosine = search.run(plan.by_cosine()), np.array([why.cosine], np.float32)
    estimate = result.estimates.get(kind)
    return replace(
        why,
        p_null=float(result.nulls[kind].p(cosine)[0]),
        probability=float(estimate.probabilities(cosine)[0]) if estimate else nan,
    )


def overlay(
    opened: EncodedCollection,
    id_: str,
    heat: Floats,
    ends: tuple[float, float],
    *,
    view: str,
    strength: float,
) -> bytes:
    """An image with a map of similarities laid over it; see `core.ingest.images.overlay`."""
    data = opened.collection.payload(id_)
    return draw_overlay(data, heat, ends, view=view, strength=strength, name=id_)


def readable_image(data: bytes, name: str) -> Image:
    """An image file decoded: upright and RGB, whatever its format.

    Raises:
        UnreadableFile: it is no image, or only a part of one.
    """
    return decode(data, name)


def _text_tokens(encoder: Encoder, query: Query) -> Tokens | None:
    """The tokens of a query that is one text; None for other queries."""
    texts = [part.text for part in query.parts]
    return encoder.text_tokens(texts)[0] if len(texts) == 1 and texts[0] else None


def _explained(
    opened: EncodedCollection, query: Query, tokens: Tokens | None, encoder: Encoder | None
) -> ExplainedQuery:
    """The query's vector, the query with each word left out, and each word alone."""
    if tokens is None or encoder is None:
        return ExplainedQuery(search.encode(opened, [query])[0])
    text = query.parts[0].text
    words = tokens.content_words().words
    rest = [_without(text, word) for word in words]
    shorter = [replace(query, parts=(Part(left or text),)) for left in rest]
    vectors = search.encode(opened, [query, *shorter])
    alone = encoder.encode_texts([PROMPT.format(word) if word else text for word in words])
    return ExplainedQuery(vectors[0], tokens, vectors[1:], alone)


def _without(text: str, word: str) -> str:
    """A text with the first occurrence of a word left out.

    >>> _without("a red dog and a red cat", "red")
    'a dog and a red cat'
    """
    found = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "", text, count=1, flags=re.IGNORECASE)
    return " ".join(found.split())

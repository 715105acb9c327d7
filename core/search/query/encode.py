"""From queries to vectors: the only step of a search that touches the encoder.

Texts and images go through exactly what the rows went through. Short texts may be put into prompt
templates first: captions are sentences, so a single word can lie far from them, and the mean over
several templates cancels what each of them adds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from core import encoders
from core.encoders import Encoder
from core.errors import InputError, MissingPart, NoTextSearch, UnknownItem, UnknownName
from core.ingest import decode
from core.numerics.directions import summed
from core.numerics.labels import prototypes
from core.search.query.mix import mixed
from core.search.query.quality import image_query_warning
from core.types import Floats, Ints, Kind, Part, Passport, Query, Space, Template, digest

if TYPE_CHECKING:
    from core.store import EncodedCollection

SHORT = 3  # words up to which a text is put into a template
TEMPLATES: Mapping[Template, tuple[str, ...]] = {
    "": ("{}",),
    "photo": ("a photo of a {}.",),
    "ensemble": ("{}", "a photo of a {}.", "a picture of {}."),
}


def encode(opened: EncodedCollection, queries: Sequence[Query]) -> Floats:
    """(q, d) unit vectors of queries; all their texts are encoded in one batch.

    Raises:
        NoTextSearch: the encoder of the collection's vectors is not available.
        PassportMismatch: the encoder that is available would compute other vectors.
        UnreadableFile: an image of a query cannot be decoded.
        UnknownItem: an item of a query is not in the collection.
        InputError: the parts of a query cancel each other out.
    """
    texts = list(dict.fromkeys(chain.from_iterable(map(_texts, queries))))
    by_text: dict[str, Floats] = {}
    if texts:
        vectors = opened.as_query(encoder_for(opened.passport).encode_texts(texts), "text")
        by_text = dict(zip(texts, vectors, strict=True))
    if not queries:
        return np.empty((0, opened.space.d), np.float32)
    return np.stack([_vector(opened, query, by_text) for query in queries])


def text_vectors(opened: EncodedCollection, texts: Sequence[str], query: Query) -> Floats:
    """(len(texts), d) unit rows of texts, each encoded as the single text of a query would be.

    Raises:
        NoTextSearch: the encoder of the collection's vectors is not available.
        PassportMismatch: the encoder that is available would compute other vectors.
    """
    return encode(opened, [replace(query, parts=(Part(text=text),)) for text in texts])


def label_vectors(opened: EncodedCollection, labels: Sequence[str]) -> Floats:
    """(len(labels), d) unit rows of labels: encoded, else the mean of their items' texts.

    Raises:
        NoTextSearch: the encoder is not available, and not every label has texts.
    """
    try:
        return opened.as_query(encoder_for(opened.passport).encode_texts(list(labels)), "text")
    except NoTextSearch:
        found = prototypes(opened.space, tuple(labels))
        if found is None:
            raise
        return found[0].astype(np.float32)


def encoder_for(passport: Passport) -> Encoder:
    """The encoder that computed some vectors, when it is available and unchanged.

    Raises:
        NoTextSearch: it is not available, or its dimension differs.
        PassportMismatch: its weights or configuration differ.
    """
    try:
        loaded = encoders.load(passport.model)
    except (UnknownName, MissingPart) as error:
        raise NoTextSearch(passport.model, f"it is not available ({error})") from error
    if not passport.weights and loaded.d != passport.d:
        reason = f"it has {loaded.d} dimensions where the vectors have {passport.d}"
        raise NoTextSearch(passport.model, reason)
    passport.check(loaded.passport)
    return encoders.with_long_text(loaded, passport.long_text)


def query_rows(space: Space, query: Query) -> Ints:
    """Rows of the items that a query consists of, which are excluded from its results.

    Of a query with several parts, items with the same content as a text or an image count too.

    Raises:
        UnknownItem: an item of the query is not in the collection.
    """
    ids = [part.item for part in query.parts if part.item]
    for item in ids:
        if item not in space.row:
            raise UnknownItem("item", item)
    if len(query.parts) > 1:
        same = [digest("text", p.text.encode("utf-8", "replace")) for p in query.parts if p.text]
        same += [digest("image", part.image) for part in query.parts if part.image]
        ids += [id_ for id_ in same if id_ in space.row]
    return np.array([space.row[item] for item in dict.fromkeys(ids)], np.int64)


def resolve_id(space: Space, start: str, kind: Kind | None = None) -> str:
    """The one id that is, or begins with, `start`.

    Args:
        space: where the ids are.
        start: an id or its first characters.
        kind: among items of that kind only.

    Raises:
        UnknownItem: there is none.
        InputError: several ids begin like that.
    """
    found = []
    for span in [space.span(k) for k in ("image", "text") if kind in (k, None)]:
        at = bisect_left(space.ids, start, span.start, span.stop)
        found += [id_ for id_ in space.ids[at : min(at + 3, span.stop)] if id_.startswith(start)]
    if start in found:
        return start
    if len(found) > 1:
        raise InputError(
            f"More than one item has an id that starts with '{start}': "
            f"{', '.join(found[:3])} ... Type more of it."
        )
    if not found:
        raise UnknownItem(kind or "item", start)
    return found[0]


def query_warnings(opened: EncodedCollection, query: Query) -> tuple[str, ...]:
    """Sentences on how far to trust a query: truncated texts, weak image-to-image similarity."""
    warnings = [image_query_warning(opened.space, query)]
    texts = list(dict.fromkeys(part.text for part in query.parts if part.text))
    if texts:
        encoder = encoder_for(opened.passport)
        warnings += [encoders.long_text_note(encoder, text) for text in texts]
    return tuple(filter(None, warnings))


def filled(text: str, template: Template) -> tuple[str, ...]:
    """A short text in each sentence of a prompt template; a longer text as it is.

    Source: Radford et al. Learning Transferable Visual Models From Natural Language Supervision.
    ICML 2021 (prompt ensembles); this short list was measured for this project.

    >>> filled("red bus", "ensemble")
    ('red bus', 'a photo of a red bus.', 'a picture of red bus.')
    >>> filled("a red bus in the rain", "ensemble")
    ('a red bus in the rain',)
    """
    if len(text.split()) > SHORT:
        return (text,)
    return tuple(sentence.replace("{}", text) for sentence in TEMPLATES[template])


def _texts(query: Query) -> list[str]:
    """Every text that must be encoded for a query."""
    return [text for part in query.parts if part.text for text in _filled(query, part)]


def _filled(query: Query, part: Part) -> tuple[str, ...]:
    """Templates describe images, so a search for texts encodes the text as it is."""
    return filled(part.text, query.template if query.kinds == ("image",) else "")


def _vector(opened: EncodedCollection, query: Query, by_text: Mapping[str, Floats]) -> Floats:
    parts = np.stack([_part(opened, query, part, by_text) for part in query.parts])
    return parts[0] if len(parts) == 1 else mixed(opened.space, query, parts)


def _part(
    opened: EncodedCollection, query: Query, part: Part, by_text: Mapping[str, Floats]
) -> Floats:
    space = opened.space
    if part.item:
        if part.item not in space.row:
            raise UnknownItem("item", part.item)
        return opened.queries(np.array([space.row[part.item]]))[0]
    if part.image:
        encoder = encoder_for(opened.passport)
        return opened.as_query(encoder.encode_images([decode(part.image, "the image")]), "image")[0]
    vectors = np.stack([by_text[text] for text in _filled(query, part)])
    return vectors[0] if len(vectors) == 1 else summed(vectors, np.ones(len(vectors))).astype("f4")

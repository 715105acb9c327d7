"""Sentences that short texts are put into before they are encoded.

Captions are sentences, so a word alone may lie off their place; the mean over several sentences
also takes out what each of them adds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from core import encoders
from core.encoders import Encoder
from core.errors import InputError, MissingPart, NoTextSearch, UnknownItem, UnknownName
from core.ingest import decode
from core.numerics import directions
from core.numerics.labels import prototypes
from core.search.query import mix, quality
from core.types import Floats, Ints, Kind, Part, Passport, Query, Space, Template, digest

SHORT = 3  # words up to which a text is put into a sentence
TEMPLATES: Mapping[Template, tuple[str, ...]] = {
    "": ("{}",),
    "photo": ("a photo of a {}.",),
    "ensemble": ("{}", "a photo of a {}.", "a picture of {}."),
}


def filled(text: str, template: Template) -> tuple[str, ...]:
    """The texts whose mean unit vector stands for this one; itself when it is no short text.

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


def query_vector(space: Space, passport: Passport, query: Query) -> Floats:
    """(d,) unit vector of a query; see `vectors`."""
    return query_vectors(space, passport, [query])[0]


def query_vectors(space: Space, passport: Passport, queries: Sequence[Query]) -> Floats:
    """(q, d) unit vectors of queries, each part made as the passport says, all texts in one go.

    Raises:
        NoTextSearch: what made the vectors is not at hand.
        PassportMismatch: what is at hand would make other vectors.
        UnreadableFile: a picture of a query cannot be decoded.
        UnknownItem: an item of a query is not in the collection.
        InputError: the parts of a query cancel each other out.
    """
    said = list(dict.fromkeys(chain.from_iterable(map(_texts, queries))))
    rows = dict(zip(said, _encoded(passport, said), strict=True)) if said else {}
    if not queries:
        return np.empty((0, space.d), np.float32)
    return np.stack([_mixed(space, passport, query, rows) for query in queries])


def query_rows(space: Space, query: Query) -> Ints:
    """Rows of the items that the query is made of: they are not answers to it.

    Where a query has several parts, items that say or show the same as one of them count too.
    """
    asked = [part.item for part in query.parts if part.item]
    for item in asked:
        if item not in space.row:
            raise UnknownItem("item", item)
    if len(query.parts) > 1:
        same = [digest("text", p.text.encode("utf-8", "replace")) for p in query.parts if p.text]
        same += [digest("image", part.image) for part in query.parts if part.image]
        asked += [id_ for id_ in same if id_ in space.row]
    return np.array([space.row[item] for item in dict.fromkeys(asked)], np.int64)


def resolve_id(space: Space, start: str, kind: Kind | None = None) -> str:
    """The one id that is, or begins with, what was written.

    Args:
        space: where the ids are.
        start: an id or its first characters.
        kind: among items of that kind only.

    Raises:
        UnknownItem: there is none.
        InputError: several begin like that.
    """
    spans = [space.span(k) for k in ("image", "text") if kind in (k, None)]
    found = []
    for span in spans:
        at = bisect_left(space.ids, start, span.start, span.stop)
        found += [id_ for id_ in space.ids[at : min(at + 3, span.stop)] if id_.startswith(start)]
    if start in found:
        return start
    if len(found) > 1:
        raise InputError(
            f"More than one item has an id that starts with '{start}': "
            f"{', '.join(found[:3])} ... Write more of it."
        )
    if not found:
        what = {"image": "picture", "text": "text", None: "item"}[kind]
        raise UnknownItem(what, start)
    return found[0]


def query_warnings(space: Space, passport: Passport, query: Query) -> tuple[str, ...]:
    """Sentences on how far to trust a question: texts beyond the limit, pictures that ask badly."""
    told = [quality.image_query_warning(space, query)]
    texts = list(dict.fromkeys(part.text for part in query.parts if part.text))
    if texts:
        encoder = encoder_for(passport)
        told += [encoders.long_text_note(encoder, text) for text in texts]
    return tuple(filter(None, told))


def label_vectors(space: Space, passport: Passport, names: Sequence[str]) -> Floats:
    """(len(names), d) unit rows of labels: encoded, or where that is off from texts of their items.

    Raises:
        NoTextSearch: the encoder is not at hand, and not every label has texts.
    """
    try:
        return encoder_for(passport).encode_texts(list(names))
    except NoTextSearch:
        found = prototypes(space, tuple(names))
        if found is None:
            raise
        return found[0].astype(np.float32)


def encoder_for(passport: Passport) -> Encoder:
    """The encoder that made the vectors, when it is at hand and unchanged."""
    try:
        loaded = encoders.load(passport.model)
    except (UnknownName, MissingPart) as error:
        raise NoTextSearch(passport.model, f"it is not at hand ({error})") from error
    if not passport.weights and loaded.d != passport.d:
        reason = f"it makes {loaded.d} dimensions where the vectors have {passport.d}"
        raise NoTextSearch(passport.model, reason)
    passport.check(loaded.passport)
    return encoders.with_long_text(loaded, passport.long_text)


def _texts(query: Query) -> list[str]:
    """Every text that must be encoded for a query."""
    return [said for part in query.parts if part.text for said in _said(query, part)]


def _said(query: Query, part: Part) -> tuple[str, ...]:
    """What stands for a text: templates describe pictures, so texts are looked for as it is."""
    return filled(part.text, query.template if query.kinds == ("image",) else "")


def _encoded(passport: Passport, texts: list[str]) -> Floats:
    return encoder_for(passport).encode_texts(texts)


def _mixed(space: Space, passport: Passport, query: Query, said: dict[str, Floats]) -> Floats:
    parts = np.stack([_part(space, passport, query, part, said) for part in query.parts])
    return parts[0] if len(parts) == 1 else mix.mixed(space, query, parts)


def _part(
    space: Space, passport: Passport, query: Query, part: Part, said: dict[str, Floats]
) -> Floats:
    if part.item:
        if part.item not in space.row:
            raise UnknownItem("item", part.item)
        return space.vectors[space.row[part.item]]
    if part.image:
        return encoder_for(passport).encode_images([decode(part.image, "the picture")])[0]
    texts = _said(query, part)
    if len(texts) == 1:
        return said[texts[0]]
    made = np.stack([said[text] for text in texts])
    return directions.summed(made, np.ones(len(made))).astype(np.float32)

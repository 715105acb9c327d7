"""Selected items: what is special about them, two sets compared, a query on the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core import search as engine
from core.errors import TooFew
from core.measure import (
    KeyTerm,
    Occurrences,
    Separation,
    draw_units,
    key_terms,
    nearest_texts,
    occurrences,
    placed,
    separations,
)
from core.numerics.directions import on_sphere
from core.report import SelectedIds, Selection, layout_name
from core.report import selected_rows as resolve
from core.types import Floats, Ints, Part, Query, Value

if TYPE_CHECKING:
    from core.store import EncodedCollection

STEPS = 33  # points of the path between two queries


@dataclass(frozen=True)
class Special:
    """What is special about some items against others.

    Args:
        terms: words, labels, tags and attribute values that differ, the surest first.
        captions: rows of the texts nearest to the items' mean: what one would call them.
        n: items counted on each side, images with their captions as one.
    """

    terms: tuple[KeyTerm, ...]
    captions: Ints
    n: tuple[int, int]


def selected_rows(opened: EncodedCollection, selection: Selection) -> Ints | None:
    """The rows of a selection, in order; None where it belongs to another collection or layout."""
    return resolve(
        selection,
        opened.space,
        layout=lambda name: _stored_layout(opened, name),
        saved=lambda name: _tagged(opened, name),
    )


def special(opened: EncodedCollection, rows: Ints, others: Ints | None = None) -> Special:
    """What is over- and under-represented in some items, against others or all the rest.

    See `core.measure.keyness`. Of more than 5,000 items on a side a seeded sample is counted.

    Raises:
        TooFew: a side has no item.
    """
    unit = opened.space.image_of
    a = draw_units(unit, rows)
    whole = np.ones(opened.space.n, bool)
    whole[unit[rows]] = False
    b = draw_units(unit, np.flatnonzero(whole[unit]) if others is None else others)
    if not (len(a) and len(b)):
        raise TooFew("What is special", 1, "items on each side", 0, "Select fewer of them.")
    found = found_terms(opened, unit, np.union1d(a, b))
    terms = key_terms(found, found.mask(a), found.mask(b))
    return Special(terms, nearest_texts(opened.space, rows), (len(a), len(b)))


def separation(opened: EncodedCollection, a: Ints, b: Ints) -> tuple[Separation, ...]:
    """How far two sets of items are apart, images and texts on their own."""
    return separations(opened.space, a, b)


def found_terms(opened: EncodedCollection, unit: Ints, counted: Ints) -> Occurrences:
    """The terms of counted items: words of their texts, labels, tags and attributes."""
    space, collection = opened.space, opened.collection
    is_counted = np.zeros(space.n, bool)
    is_counted[counted] = True
    rows = np.flatnonzero(is_counted[unit])
    ids = [space.ids[row] for row in rows]
    table = collection.table(ids)
    texts = [text or "" for text in table["text"].to_pylist()]
    fields: dict[str, Sequence[Sequence[Value] | Value | None]] = {
        field.name: collection.values(field.name, ids)
        for field in collection.fields()
        if field.name not in ("kind", "name", "text", "label", "tag")
        and (field.values or field.type != "str")
    }
    fields["label"] = [tuple(labels or ()) for labels in table["labels"].to_pylist()]
    tags = collection.tags.of_items(ids)
    fields["tag"] = [tuple(tags.get(id_, ())) for id_ in ids]
    return occurrences(unit, counted, rows, texts, fields)


def save_selection(opened: EncodedCollection, name: str, rows: Ints) -> None:
    """Save items under a name, which is a tag: a filter everywhere, and kept with the items.

    Raises:
        BadParameter: the name is empty, has line breaks or is too long.
    """
    opened.collection.edits.tag(name, SelectedIds(opened.space, rows))


def saved_selections(opened: EncodedCollection) -> tuple[str, ...]:
    """Names under which items are saved, in alphabetical order."""
    return opened.collection.tags.names(of_items=True)


def query_vectors(opened: EncodedCollection, parts: Sequence[Part]) -> Floats:
    """(p, d) unit vectors of the parts of a query, each on its own.

    Raises:
        NoTextSearch: the encoder is not available.
        UnknownItem: an item is not in the collection.
    """
    queries = [Query((Part(part.text, part.image, part.item),)) for part in parts]
    for query in queries:
        engine.query_rows(opened.space, query)
    return engine.encode(opened, queries)


def query_place(opened: EncodedCollection, xy: Floats, vectors: Floats) -> Floats:
    """(q, 2) where query vectors lie on a map of the collection; see `measure.placed`."""
    return placed(opened.space, xy, vectors)


def query_path(opened: EncodedCollection, xy: Floats, ends: Floats) -> Floats:
    """(33, 2) the way of a geodesic mix (slerp) between two queries over the map.

    Args:
        opened: the collection.
        xy: (n, 2) its layout.
        ends: (2, d) the two queries.

    Raises:
        InputError: the queries are opposite.
    """
    shares = np.linspace(0, 1, STEPS)
    along = [on_sphere(ends, np.array([1 - t, t])) for t in shares]
    return placed(opened.space, xy, np.stack(along).astype(np.float32))


def _stored_layout(opened: EncodedCollection, name: str) -> Floats | None:
    """The coordinates that `report.layout_name` named so, where they are still these."""
    label = name.rpartition("/")[0]
    xy = opened.collection.artifacts.read_matrix(label, opened.space.key)
    return None if xy is None or layout_name(label, xy) != name else xy


def _tagged(opened: EncodedCollection, name: str) -> list[str] | None:
    return opened.collection.tags.items(name) or None

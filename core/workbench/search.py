"""Searching an opened collection: encode, prepare, run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from core import search as engine
from core.errors import InputError, NoTextSearch, PassportMismatch
from core.report import read_selection
from core.search import SearchResult
from core.types import Filter, FirstStage, Floats, Kind, Part, Query, Space, digest
from core.workbench.ingest import DEFAULT_ENCODER, tokens_version
from core.workbench.kept_codes import kept_way
from core.workbench.selections import selected_rows

if TYPE_CHECKING:
    from core.store import EncodedCollection


def search(opened: EncodedCollection, query: Query | str) -> SearchResult:
    """Search an opened collection.

    Args:
        opened: the collection, from `Workbench.open`.
        query: a query, or a text or formula as one types it into the app (see `parse_query`).

    Raises:
        NoTextSearch: the encoder of the collection's vectors is not available.
        UnknownName: no such filter field, hubness correction or reranker.
        UnknownItem: an item of the query is not in the collection.
    """
    if isinstance(query, str):
        query = Query(parse_query(opened, query), kinds=(_default_kind(opened.space),))
    return search_all(opened, [query])[0]


def search_all(opened: EncodedCollection, queries: Sequence[Query]) -> tuple[SearchResult, ...]:
    """Several queries, their texts encoded in one batch."""
    if not opened.space.n:
        raise InputError(
            f"No item of '{opened.name}' has a vector of {opened.space.encoder}. Repeat the ingest "
            "that was stopped, or add items."
        )
    for query in queries:
        engine.query_rows(opened.space, query)  # an unknown item is an error before anything runs
    vectors = engine.encode(opened, queries)
    results = tuple(
        engine.run(_plan(opened, query, vector))
        for query, vector in zip(queries, vectors, strict=True)
    )
    # Read anew: within a read session it is that of the session's start.
    if Context().run(opened.collection.version) == opened.version:
        return results
    # What was deleted since the collection was opened is no result any more.
    found = {hit.id for result in results for hit in result.hits}
    gone = found - opened.collection.present(sorted(found))
    return tuple(
        replace(r, hits=tuple(h for h in r.hits if h.id not in gone)) if gone else r
        for r in results
    )


def encode_query(opened: EncodedCollection, query: Query) -> Floats:
    """(d,) a query as a vector; texts that several threads ask for at a time share a batch.

    Raises:
        NoTextSearch: the encoder of the collection's vectors is not available.
        UnknownItem: an item of the query is not in the collection.
    """
    vector: Floats = engine.encode(opened, [query])[0]
    return vector


def parse_query(
    opened: EncodedCollection, text: str, *, read: Callable[[str], bytes] | None = None
) -> tuple[Part, ...]:
    """The parts of a query written as text; see `core.search.query.formula`.

    Args:
        opened: the collection whose items it may name, by id or the start of one.
        text: one text, or a formula such as `"a beach" + 0.5*img:ID - "people"`.
        read: reads a file that the formula names; without it, files are rejected.
    """
    return engine.parse_query(text, find=partial(engine.resolve_id, opened.space), read=read)


def parse_filters(opened: EncodedCollection, text: str) -> tuple[Filter, ...]:
    """Filters written as text, typed as the collection's fields are."""
    if not text.strip():
        return ()
    fields = opened.collection.fields()
    return engine.parse_filters(text, {field.name: field.type for field in fields})


def results_key(opened: EncodedCollection, query: Query) -> str:
    """Identity of all that the results of a query depend on: the key to keep them under."""
    parts = [opened.version, opened.space.key, opened.recipe, query.key]
    if query.first_stage or query.rerank:
        parts.append(tokens_version(opened))
    # A selection that was saved is a tag.
    if query.among or any(condition.field == "tag" for condition in query.filters):
        parts.append(str(opened.collection.tags.version()))
    if query.first_stage == "compressed" or query.preferred or opened.space.on_disk:
        parts.append(repr(kept_way(opened)))
    return digest(*parts)


def subset(opened: EncodedCollection, filters: Sequence[Filter]) -> Space:
    """The space of the items that pass; captions go with the images they belong to.

    Where a filter is about texts themselves (`kind`, `text`), only what passes stays.
    """
    space = opened.space
    if not filters:
        return space
    passes = opened.collection.mask(filters, space.ids)
    if not {f.field for f in filters} & {"kind", "text"}:
        image, text = space.pairs.T
        passes[text[passes[image]]] = True
    return space.subset(np.flatnonzero(passes))


def cosines(opened: EncodedCollection, ids: Sequence[str]) -> Floats:
    """(m, m) cosines of some items with each other.

    Raises:
        UnknownItem: an item is not in the collection.
    """
    parts = tuple(Part(item=id_) for id_ in ids)
    vectors = opened.space.vectors[engine.query_rows(opened.space, Query(parts))]
    similar: Floats = vectors @ vectors.T
    return similar


def first_stages(opened: EncodedCollection) -> tuple[FirstStage, ...]:
    """First stages that can be used here: IVF with many items, others where stored."""
    possible: dict[FirstStage, bool] = {
        "": True,
        "ivf": engine.pays(opened.space),
        "muvera": opened.collection.tokens.stored(opened.passport).items > 0,
        "compressed": kept_way(opened) is not None,
    }
    return tuple(stage for stage, can in possible.items() if can)


def example_queries(opened: EncodedCollection) -> tuple[str, ...]:
    """A few short queries to try; none where text queries are off."""
    return () if text_search_off(opened) else engine.example_queries(opened)


def text_search_off(opened: EncodedCollection) -> str:
    """Why text and image queries are off, in a sentence; "" when they are on."""
    # Other encoders take seconds to load: whether they are the same is found by the first query.
    if opened.passport.weights and opened.passport.model != DEFAULT_ENCODER:
        return ""
    try:
        engine.encoder_for(opened.passport)
    except NoTextSearch as error:
        return str(error)
    except PassportMismatch:
        return "Searching by text or image waits until this collection is encoded again."
    return ""


def _plan(opened: EncodedCollection, query: Query, vector: Floats) -> engine.SearchPlan:
    """The plan of a query, among a selection where it names one."""
    plan = engine.prepare(opened, query, vector)
    if not query.among:
        return plan
    rows = selected_rows(opened, read_selection(query.among))
    if rows is None:
        raise InputError(
            "The selection to search in belongs to another state of the collection. Select again "
            "on the map, or search everything."
        )
    mask = np.zeros(opened.space.n, bool)
    mask[rows] = True
    return replace(plan, mask=mask if plan.mask is None else plan.mask & mask)


def _default_kind(space: Space) -> Kind:
    return "image" if space.n_images else "text"

"""Other queries of the same form, made of the collection's own items: they tell what is chance."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.numerics.neighbors import cosines
from core.numerics.sampling import groups, sampled_rows
from core.search.null import QUERIES, NullTail, fit_null_tail
from core.search.query.mix import kind_of, mixers
from core.types import Bools, Floats, Ints, Kind, Query, Space, SpaceCache

ASKED, ITEMS = 200, 4000  # other queries, and items that they are compared with, at most

_SHAPES = SpaceCache(64)


@dataclass(frozen=True)
class BackgroundQueries:
    """Queries of one form.

    Args:
        vectors: (q, d) unit rows.
        rows: (q, p) rows of the items that each is made of.
        form: what all have in common, as a name to find them by.
    """

    vectors: Floats
    rows: Ints
    form: str


def sample_rows(space: Space, kinds: tuple[Kind, ...]) -> Ints:
    """(q, p) rows of items that stand for the parts of a query, by the parts' kinds.

    Where there are hardly any of a kind, the other one stands for it.
    """
    sizes: dict[Kind, int] = {"image": space.n_images, "text": space.n - space.n_images}
    larger: Kind = max(sizes, key=lambda kind: sizes[kind])
    rows = []
    for part, kind in enumerate(kinds):
        known = kind if sizes[kind] >= QUERIES else larger
        rng = np.random.default_rng(part)
        rows.append(rng.permutation(sampled_rows(space, known, ASKED, part)))
    least = min(map(len, rows))
    return np.column_stack([found[:least] for found in rows])


def single_items(space: Space, kind: Kind) -> BackgroundQueries:
    """Single items as queries: what one text, or one picture, is compared with."""
    rows = sample_rows(space, (kind,))
    return BackgroundQueries(space.vectors[rows[:, 0]], rows, kind)


def null_tail(
    space: Space, others: BackgroundQueries, kind: Kind, allowed: Bools | None
) -> NullTail | None:
    """How far items that are not theirs reach for other queries, among those of a kind.

    Args:
        space: the collection.
        others: the other queries.
        kind: what may be found.
        allowed: (n,) rows that may be found; None for all, which is measured once.
    """
    if allowed is None:
        return _SHAPES.get(
            (space.key, others.form, kind), lambda: _shape(space, others, _items(space, kind))
        )
    found = np.flatnonzero(allowed[space.span(kind)]) + space.span(kind).start
    if len(found) > ITEMS:
        found = np.sort(np.random.default_rng(0).choice(found, ITEMS, replace=False))
    return _shape(space, others, found)


def _items(space: Space, kind: Kind) -> Ints:
    return sampled_rows(space, kind, ITEMS, 0)


def _shape(space: Space, others: BackgroundQueries, items: Ints) -> NullTail | None:
    if not len(items) or not len(others.vectors):
        return None
    member = groups(space)
    found = cosines(space.vectors[items], others.vectors.T).T
    own = np.zeros(found.shape, bool)
    for part in others.rows.T:
        own |= member[part][:, None] == member[items]
    return fit_null_tail(found, own)


_OTHERS = SpaceCache(16)


def background_queries(space: Space, query: Query) -> BackgroundQueries:
    """Queries of the same form, made of the collection's own items: they tell what is chance.

    In the place of each part stands an item of its kind, drawn at random; weights, mix and what may
    be found stay.
    """
    kinds = tuple(kind_of(space, part) for part in query.parts)
    if len(kinds) == 1:
        return single_items(space, kinds[0])
    form = repr((kinds, [part.weight for part in query.parts], query.mix, query.kinds))
    return _OTHERS.get((space.key, form), lambda: _background_queries(space, query, kinds, form))


def _background_queries(
    space: Space, query: Query, kinds: tuple[Kind, ...], form: str
) -> BackgroundQueries:
    rows, made = sample_rows(space, kinds), {}
    for place, mix in enumerate(mixers(space, query, space.vectors[rows])):
        # An item drawn for two parts may cancel itself out: that asks for nothing.
        with suppress(InputError):
            made[place] = mix()
    vectors = np.array(list(made.values()), np.float32).reshape(-1, space.d)
    return BackgroundQueries(vectors, rows[np.array(list(made), np.int64)], form)

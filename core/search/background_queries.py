"""Background queries: queries of the same form, for the null distribution of a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.numerics.neighbors import cosines
from core.numerics.sampling import groups, sampled_rows
from core.search.known_matches import (
    everyday_vectors,
    form_key,
    form_of,
    known_matches,
    sampled_items,
)
from core.search.null import LEAST_QUERIES, NullTail, fit_null_tail
from core.search.query.mix import kind_of, mixed_rows
from core.types import Bools, Floats, Ints, Kind, Query, Space, SpaceCache

if TYPE_CHECKING:
    from core.store import EncodedCollection

QUERIES, ITEMS = 200, 4000  # random items as queries, and items they are compared with, at most

_BACKGROUND, _TAILS = SpaceCache(16), SpaceCache(64)


@dataclass(frozen=True)
class BackgroundQueries:
    """Queries of one form, and their own items, which say nothing about unrelated ones.

    Args:
        vectors: (q, d) unit rows.
        items: (m,) rows of one kind that they are compared with.
        related: (q, m) which of them are a query's own.
        form: what the queries have in common, as a cache key.
    """

    vectors: Floats
    items: Ints
    related: Bools
    form: str


def background_queries(opened: EncodedCollection, query: Query, kind: Kind) -> BackgroundQueries:
    """Queries of the same form as a query, and items of a kind.

    Labels, nouns and captions of the collection where it has enough; else everyday texts for one
    text, and random items in place of the parts for other forms.

    Raises:
        NoTextSearch: the query has a text, and the encoder is not available.
        PassportMismatch: the encoder that is available would compute other vectors.
    """
    form = f"{form_key(query, opened.space, kind)} {'typed' if query.text else 'stored'}"
    key = (opened.version, opened.space.key, form)
    return _BACKGROUND.get(key, lambda: _build(opened, query, kind, form))


def single_items(space: Space, kind: Kind, items: Kind) -> BackgroundQueries:
    """Single items of a kind as queries for items of a kind."""
    rows = _sample(space, (kind,))
    return _of_items(space, space.take(rows[:, 0]), rows, items, kind)


def null_tail(
    space: Space, background: BackgroundQueries, kind: Kind, allowed: Bools | None
) -> NullTail | None:
    """The tail of the null distribution, from background queries and the items of a kind.

    Args:
        space: the collection.
        background: the background queries for that kind.
        kind: of the items searched.
        allowed: (n,) rows that may be found; None for all, which is cached.
    """

    def build() -> NullTail | None:
        use = np.ones(len(background.items), bool) if allowed is None else allowed[background.items]
        if not use.any() or not len(background.vectors):
            return None
        values = cosines(space.take(background.items[use]), background.vectors.T).T
        return fit_null_tail(values, background.related[:, use])

    if allowed is None:
        return _TAILS.get((space.key, background.form, kind), build)
    return build()


def _build(opened: EncodedCollection, query: Query, kind: Kind, form: str) -> BackgroundQueries:
    space = opened.space
    known = known_matches(opened, query, kind)
    if known is not None:
        related = known.matches | known.unclear | known.excluded
        return BackgroundQueries(known.vectors, sampled_items(opened, kind), related, form)
    shape = form_of(query, space)
    if query.text and shape.endswith("text"):  # a stored text as query needs no encoder
        texts, items = everyday_vectors(opened, query, shape), sampled_rows(space, kind, ITEMS, 0)
        return BackgroundQueries(texts, items, np.zeros((len(texts), len(items)), bool), form)
    rows = _sample(space, tuple(kind_of(space, part) for part in query.parts))
    parts = space.take(rows.ravel()).reshape(*rows.shape, space.d)
    vectors, built = mixed_rows(space, query, parts)
    return _of_items(space, vectors, rows[built], kind, form)


def _of_items(
    space: Space, vectors: Floats, rows: Ints, kind: Kind, form: str
) -> BackgroundQueries:
    group, items = groups(space), sampled_rows(space, kind, ITEMS, 0)
    related = np.zeros((len(vectors), len(items)), bool)
    for part in rows.T:
        related |= group[part][:, None] == group[items]
    return BackgroundQueries(vectors, items, related, form)


def _sample(space: Space, kinds: tuple[Kind, ...]) -> Ints:
    """(q, p) rows of random items in place of the parts of a query, by the parts' kinds.

    Where there are fewer than `LEAST_QUERIES` of a kind, items of the other kind are used.
    """
    sizes: dict[Kind, int] = {"image": space.n_images, "text": space.n - space.n_images}
    larger: Kind = max(sizes, key=lambda kind: sizes[kind])
    samples = []
    for part, kind in enumerate(kinds):
        used = kind if sizes[kind] >= LEAST_QUERIES else larger
        rng = np.random.default_rng(part)
        samples.append(rng.permutation(sampled_rows(space, used, QUERIES, part)))
    least = min(map(len, samples))
    return np.column_stack([rows[:least] for rows in samples])

"""Background queries: random items of the collection as queries, for the null distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.numerics.neighbors import cosines
from core.numerics.sampling import groups, sampled_rows
from core.search.null import LEAST_QUERIES, NullTail, fit_null_tail
from core.search.query.mix import kind_of, mixed_rows
from core.types import Bools, Floats, Ints, Kind, Query, Space, SpaceCache

QUERIES, ITEMS = 200, 4000  # background queries, and items they are compared with, at most

_QUERIES, _TAILS = SpaceCache(16), SpaceCache(64)


@dataclass(frozen=True)
class BackgroundQueries:
    """Queries of one form.

    Args:
        vectors: (q, d) unit rows.
        rows: (q, p) rows of the items each consists of.
        form: what they have in common, as a cache key.
    """

    vectors: Floats
    rows: Ints
    form: str


def background_queries(space: Space, query: Query) -> BackgroundQueries:
    """Queries of the same form as a query, of random items.

    Each part is replaced by a random item of its kind; weights, mix and the kinds searched stay.
    """
    kinds = tuple(kind_of(space, part) for part in query.parts)
    if len(kinds) == 1:
        return single_items(space, kinds[0])
    form = repr((kinds, [part.weight for part in query.parts], query.mix, query.kinds))

    def build() -> BackgroundQueries:
        rows = _sample(space, kinds)
        vectors, built = mixed_rows(space, query, space.vectors[rows])
        return BackgroundQueries(vectors, rows[built], form)

    return _QUERIES.get((space.key, form), build)


def single_items(space: Space, kind: Kind) -> BackgroundQueries:
    """Single items of a kind as queries: the background of one text, or one image."""
    rows = _sample(space, (kind,))
    return BackgroundQueries(space.vectors[rows[:, 0]], rows, kind)


def null_tail(
    space: Space, background: BackgroundQueries, kind: Kind, allowed: Bools | None
) -> NullTail | None:
    """The tail of the null distribution, from background queries and the items of a kind.

    Args:
        space: the collection.
        background: the background queries.
        kind: of the items searched.
        allowed: (n,) rows that may be found; None for all, which is cached.
    """
    if allowed is None:
        return _TAILS.get(
            (space.key, background.form, kind),
            lambda: _tail(space, background, sampled_rows(space, kind, ITEMS, 0)),
        )
    items = np.flatnonzero(allowed[space.span(kind)]) + space.span(kind).start
    if len(items) > ITEMS:
        items = np.sort(np.random.default_rng(0).choice(items, ITEMS, replace=False))
    return _tail(space, background, items)


def _tail(space: Space, background: BackgroundQueries, items: Ints) -> NullTail | None:
    if not len(items) or not len(background.vectors):
        return None
    group = groups(space)
    values = cosines(space.vectors[items], background.vectors.T).T
    related = np.zeros(values.shape, bool)
    for rows in background.rows.T:
        related |= group[rows][:, None] == group[items]
    return fit_null_tail(values, related)


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

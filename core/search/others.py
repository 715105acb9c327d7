"""Other queries of the same form, made of the collection's own items: they tell what is chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.neighbors import cosines
from core.sampling import groups, sampled_rows
from core.search.shape import QUERIES, Shape, fit_shape
from core.types import Bools, Floats, Ints, Kind, Space, SpaceCache

ASKED, ITEMS = 200, 4000  # other queries, and items that they are compared with, at most

_SHAPES = SpaceCache(64)


@dataclass(frozen=True)
class Others:
    """Queries of one form.

    Args:
        vectors: (q, d) unit rows.
        rows: (q, p) rows of the items that each is made of.
        form: what all have in common, as a name to find them by.
    """

    vectors: Floats
    rows: Ints
    form: str


def drawn(space: Space, kinds: tuple[Kind, ...]) -> Ints:
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


def plain(space: Space, kind: Kind) -> Others:
    """Single items as queries: what one text, or one picture, is compared with."""
    rows = drawn(space, (kind,))
    return Others(space.vectors[rows[:, 0]], rows, kind)


def shape_of(space: Space, others: Others, kind: Kind, allowed: Bools | None) -> Shape | None:
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


def _shape(space: Space, others: Others, items: Ints) -> Shape | None:
    if not len(items) or not len(others.vectors):
        return None
    member = groups(space)
    found = cosines(space.vectors[items], others.vectors.T).T
    own = np.zeros(found.shape, bool)
    for part in others.rows.T:
        own |= member[part][:, None] == member[items]
    return fit_shape(found, own)

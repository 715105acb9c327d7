"""Mixing the parts of a question in a collection, and other questions mixed alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np

from core import composition
from core.errors import InputError
from core.sampling import sampled_rows
from core.search import Others, drawn, plain
from core.types import Doubles, Floats, Kind, Part, Query, Space, SpaceCache, per_space

SAMPLE = 4000  # candidates that balance the parts of a query

_OTHERS = SpaceCache(16)


def mixed(space: Space, query: Query, parts: Floats) -> Floats:
    """(d,) unit vector of (p, d) parts, mixed as the query says.

    Raises:
        InputError: parts cancel each other out.
    """
    (mix,) = _mixes(space, query, parts[None])
    return mix().astype(np.float32)


def others(space: Space, query: Query) -> Others:
    """Queries of the same form, made of the collection's own items: they tell what is chance.

    In the place of each part stands an item of its kind, drawn at random; weights, mix and what may
    be found stay.
    """
    kinds = tuple(kind_of(space, part) for part in query.parts)
    if len(kinds) == 1:
        return plain(space, kinds[0])
    form = repr((kinds, [part.weight for part in query.parts], query.mix, query.kinds))
    return _OTHERS.get((space.key, form), lambda: _others(space, query, kinds, form))


def _others(space: Space, query: Query, kinds: tuple[Kind, ...], form: str) -> Others:
    rows, made = drawn(space, kinds), {}
    for place, mix in enumerate(_mixes(space, query, space.vectors[rows])):
        # An item drawn for two parts may cancel itself out: that asks for nothing.
        with suppress(InputError):
            made[place] = mix()
    vectors = np.array(list(made.values()), np.float32).reshape(-1, space.d)
    return Others(vectors, rows[np.array(list(made), np.int64)], form)


def _mixes(space: Space, query: Query, parts: Floats) -> list[Callable[[], Doubles]]:
    """What mixes each row of (q, p, d) parts as this query's p parts are."""
    weights = np.array([part.weight for part in query.parts], np.float64)
    if query.mix != "centred":
        mix = composition.on_sphere if query.mix == "slerp" else composition.summed
        return [partial(mix, one, weights) for one in parts]
    means = np.stack([_mean(space, kind_of(space, part)) for part in query.parts])
    flat = parts.reshape(-1, space.d), np.tile(means, (len(parts), 1))
    spread = composition.spreads(*flat, _candidates(space, query.kinds)).reshape(parts.shape[:2])
    return [
        partial(composition.balanced, one, weights, means, own)
        for one, own in zip(parts, spread, strict=True)
    ]


def kind_of(space: Space, part: Part) -> Kind:
    """Whether a part is a picture or a text."""
    if part.item:
        return "image" if space.row[part.item] < space.n_images else "text"
    return "image" if part.image else "text"


def _mean(space: Space, kind: Kind) -> Floats:
    """Mean of the rows of a kind; zeros where there are none."""
    rows = _sample(space, kind)
    return rows.mean(axis=0) if len(rows) else np.zeros(space.d, np.float32)


@per_space
def _candidates(space: Space, kinds: tuple[Kind, ...]) -> Floats:
    """Rows that may be found, less the mean of their kind."""
    return np.concatenate([_sample(space, kind) - _mean(space, kind) for kind in kinds])


@per_space
def _sample(space: Space, kind: Kind) -> Floats:
    """At most `SAMPLE` rows of a kind: enough for their mean and spread, quick for any number."""
    return space.vectors[sampled_rows(space, kind, SAMPLE, 0)]

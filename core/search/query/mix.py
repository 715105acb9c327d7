"""Mixing the parts of a question in a collection, and other questions mixed alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from core.numerics import directions
from core.numerics.sampling import sampled_rows
from core.types import Doubles, Floats, Kind, Part, Query, Space, per_space

SAMPLE = 4000  # candidates that balance the parts of a query


def mixed(space: Space, query: Query, parts: Floats) -> Floats:
    """(d,) unit vector of (p, d) parts, mixed as the query says.

    Raises:
        InputError: parts cancel each other out.
    """
    (mix,) = mixers(space, query, parts[None])
    return mix().astype(np.float32)


def mixers(space: Space, query: Query, parts: Floats) -> list[Callable[[], Doubles]]:
    """What mixes each row of (q, p, d) parts as this query's p parts are."""
    weights = np.array([part.weight for part in query.parts], np.float64)
    if query.mix != "centred":
        mix = directions.on_sphere if query.mix == "slerp" else directions.summed
        return [partial(mix, one, weights) for one in parts]
    means = np.stack([_mean(space, kind_of(space, part)) for part in query.parts])
    flat = parts.reshape(-1, space.d), np.tile(means, (len(parts), 1))
    spread = directions.spreads(*flat, _candidates(space, query.kinds)).reshape(parts.shape[:2])
    return [
        partial(directions.balanced, one, weights, means, own)
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

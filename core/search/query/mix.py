"""The parts of a query mixed into one vector."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from core.errors import InputError
from core.numerics import directions
from core.numerics.sampling import sampled_rows
from core.types import Doubles, Floats, Ints, Kind, Part, Query, Space, per_space

SAMPLE = 4000  # rows of each kind that means and standard deviations are estimated from


def mixed(space: Space, query: Query, parts: Floats) -> Floats:
    """(d,) unit vector of the (p, d) parts of a query.

    Raises:
        InputError: the parts cancel each other out.
    """
    means, spread = _moments(space, query, parts[None])
    return _mix(query, parts, means, spread[0]).astype(np.float32)


def mixed_rows(space: Space, query: Query, parts: Floats) -> tuple[Floats, Ints]:
    """(m, d) unit vectors of (q, p, d) parts mixed as those of a query, and which m of the q.

    The others cancel themselves out.
    """
    means, spreads = _moments(space, query, parts)
    vectors, rows = [], []
    for row, (own, spread) in enumerate(zip(parts, spreads, strict=True)):
        with suppress(InputError):
            vectors.append(_mix(query, own, means, spread))
            rows.append(row)
    return np.array(vectors, np.float32).reshape(-1, space.d), np.array(rows, np.int64)


def kind_of(space: Space, part: Part) -> Kind:
    """Whether a part is an image or a text."""
    if part.item:
        return "image" if space.row[part.item] < space.n_images else "text"
    return "image" if part.image else "text"


def _mix(query: Query, parts: Floats, means: Floats, spread: Doubles) -> Doubles:
    weights = np.array([part.weight for part in query.parts], np.float64)
    if query.mix == "slerp":
        return directions.on_sphere(parts, weights)
    if query.mix == "sum":
        return directions.summed(parts, weights)
    return directions.balanced(parts, weights, means, spread)


def _moments(space: Space, query: Query, parts: Floats) -> tuple[Floats, Doubles]:
    """What the balanced mix of (q, p, d) parts needs.

    (p, d) mean of each part's kind, and (q, p) standard deviation of each part's scores.
    """
    q, p, d = parts.shape
    if query.mix != "balanced":
        return np.zeros((p, d), np.float32), np.zeros((q, p))
    means = np.stack([_mean(space, kind_of(space, part)) for part in query.parts])
    candidates = _candidates(space, query.kinds)
    spread = directions.spreads(parts.reshape(-1, d), np.tile(means, (q, 1)), candidates)
    return means, spread.reshape(q, p)


def _mean(space: Space, kind: Kind) -> Floats:
    """Mean of the rows of a kind; zeros where there are none."""
    rows = _sample(space, kind)
    return rows.mean(axis=0) if len(rows) else np.zeros(space.d, np.float32)


@per_space
def _candidates(space: Space, kinds: tuple[Kind, ...]) -> Floats:
    """A sample of the candidates, each minus the mean of its kind."""
    return np.concatenate([_sample(space, kind) - _mean(space, kind) for kind in kinds])


@per_space
def _sample(space: Space, kind: Kind) -> Floats:
    return space.take(sampled_rows(space, kind, SAMPLE, 0))

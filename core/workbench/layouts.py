"""Layouts of a space in two dimensions, and how far each can be trusted; stored with the items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from core.measure import (
    PROJECTIONS,
    MapQuality,
    laid_over,
    map_quality_of,
    measure_map,
    placed_between,
    rows_on_map,
    stability,
)
from core.types import Floats, Progress, Space, digest, per_array

if TYPE_CHECKING:
    from core.store import EncodedCollection

MOST_NEW = 0.25  # share of items that an old map takes in; with more it is laid out again
OTHER_SEED = 1  # of the layout whose neighbors are compared with those of seed 0


@dataclass(frozen=True)
class Layout:
    """A two-dimensional layout of a space: (n, 2) coordinates of its rows.

    `label` is the name it is stored under: the method with its settings. `gap` is "remove" where
    the modality gap was removed first.
    """

    method: str
    xy: Floats
    space: Space
    label: str = ""
    gap: str = "keep"


def layout(
    opened: EncodedCollection,
    method: str,
    *,
    like: Layout | None = None,
    anew: bool = False,
    progress: Progress = lambda done, total: None,
    **settings: Any,
) -> Layout:
    """Coordinates of a space in two dimensions, stored until the space changes.

    A layout that takes long is kept when few items are added: they are placed between, and the
    others stay where they are.

    Args:
        opened: the collection with its vectors.
        method: of `PROJECTIONS`.
        like: a layout of the same items, as that of another encoder, to start from and to lie over.
        anew: whether to lay out again what is stored.
        progress: of a layout that takes long.
        **settings: of the method.

    Raises:
        UnknownName: no such method, or no such setting.
        TooFew: the method needs more items.
        MissingPart: the method needs a package that is not installed.
    """
    part, space, artifacts = PROJECTIONS.get(method), opened.space, opened.collection.artifacts
    label, gap = _label(method, settings, like), settings.get("gap", "keep")
    xy = None if anew else artifacts.read_matrix(label, space.key)
    if xy is None and not part.traits["slow"]:
        xy = np.ascontiguousarray(part(space, **settings), np.float32)
        artifacts.write_matrix(label, space.key, xy)
    elif xy is None:
        xy = None if anew else _kept(opened, label, settings)
        if xy is None:
            start = _start(space, like)
            xy = np.ascontiguousarray(part(space, start, progress, **settings), np.float32)
            if start is not None:
                xy = laid_over(start, xy)
            artifacts.write_matrix(f"base/{label}", _made_by(opened), _with_items(opened, xy))
        artifacts.write_matrix(label, space.key, xy)
    return Layout(method, xy, space, label, gap)


def has_layout(
    opened: EncodedCollection, method: str, *, like: Layout | None = None, **settings: Any
) -> bool:
    """Whether `layout` would return at once."""
    label = _label(method, settings, like)
    return opened.collection.artifacts.read_matrix(label, opened.space.key) is not None


def map_quality(
    opened: EncodedCollection,
    layout: Layout,
    *,
    progress: Progress = lambda done, total: None,
) -> MapQuality:
    """How far a layout can be trusted (see `core.measure.measure_map`), stored with it.

    Raises:
        TooFew: fewer than eight items.
    """
    known = known_map_quality(opened, layout)
    if known is not None:
        return known
    found = measure_map(layout.space, layout.xy, gap=layout.gap, progress=progress)
    name, key = f"map_quality/{layout.label}", _places_key(layout)
    opened.collection.artifacts.write_matrix(name, key, found.to_matrix())
    return found


def known_map_quality(opened: EncodedCollection, layout: Layout) -> MapQuality | None:
    """The same where it is stored; else None."""
    name, key = f"map_quality/{layout.label}", _places_key(layout)
    matrix = opened.collection.artifacts.read_matrix(name, key)
    return None if matrix is None else map_quality_of(layout.space, matrix)


def seed_stability(
    opened: EncodedCollection, method: str, **settings: Any
) -> tuple[float, float] | None:
    """Share of each point's 15 nearest that a layout with another seed has too, and by chance.

    None where one of the two has not been computed; the other is `seed=1`.
    """
    seeds = (settings, {**settings, "seed": OTHER_SEED})
    if not all(has_layout(opened, method, **one) for one in seeds):
        return None
    one, other = (layout(opened, method, **each).xy for each in seeds)
    k = min(15, len(one) - 1)
    return stability(one, other, k), k / (len(one) - 1)


def _kept(opened: EncodedCollection, label: str, settings: Mapping[str, Any]) -> Floats | None:
    """The last full layout, with few new items placed between; None where most are new."""
    space = opened.space
    base = opened.collection.artifacts.read_matrix(f"base/{label}", _made_by(opened))
    if base is None:
        return None
    stored = np.ascontiguousarray(base[:, 2:]).view(np.uint64)[:, 0]
    known, at = _matched(_hashes(space.ids, _encoded(opened)), stored)
    if known.mean() < 1 - MOST_NEW:
        return None
    xy = np.empty((space.n, 2), np.float32)
    xy[known] = base[at, :2]
    vectors = rows_on_map(space, settings.get("gap", "keep"))
    spans = [slice(0, space.n)]
    if settings.get("kinds") == "apart":
        spans = [slice(0, space.n_images), slice(space.n_images, space.n)]
    for span in spans:
        here = known[span]
        if not here.all():
            if not here.any():
                return None
            places = xy[span]
            places[~here] = placed_between(vectors[span], here, places[here])
    return xy


def _start(space: Space, like: Layout | None) -> Floats | None:
    """Where another layout has the items of this space; those it lacks between their neighbors."""
    if like is None:
        return None
    known, at = _matched(_hashes(space.ids), _hashes(like.space.ids))
    if known.mean() < 1 - MOST_NEW:
        return None
    xy = np.empty((space.n, 2), np.float32)
    xy[known] = like.xy[at]
    if not known.all():
        xy[~known] = placed_between(space.vectors, known, xy[known])
    return xy


def _matched(wanted: Any, given: Any) -> tuple[Any, Any]:
    """Which of the wanted numbers are given, and where."""
    order = np.argsort(given)
    at = np.minimum(np.searchsorted(given, wanted, sorter=order), len(given) - 1)
    known = given[order[at]] == wanted
    return known, order[at[known]]


def _hashes(ids: Iterable[str], rows: Iterable[Any] = repeat(b"")) -> Any:
    """A number of 64 bits for each id, or for each id with its vector."""
    parts = (
        blake2b(id_.encode("utf-8", "surrogatepass") + bytes(row), digest_size=8).digest()
        for id_, row in zip(ids, rows, strict=False)
    )
    return np.frombuffer(b"".join(parts), np.uint64)


def _with_items(opened: EncodedCollection, xy: Floats) -> Floats:
    """(n, 4) places, and the number of each item in the bytes of two floats."""
    hashes = _hashes(opened.space.ids, _encoded(opened))
    return np.column_stack([xy, hashes.view(np.float32).reshape(-1, 2)])


def _encoded(opened: EncodedCollection) -> Floats:
    """The stored vectors: repaired ones may differ in the last bit where there are more rows."""
    return (opened.unrepaired or opened.space).vectors


def _made_by(opened: EncodedCollection) -> str:
    """Identity of what the vectors are made by, whichever items there are."""
    return digest(opened.passport.key, opened.recipe)


def _places_key(layout: Layout) -> str:
    return _places_of(layout.xy, layout.space.key)


@per_array
def _places_of(xy: Floats, space: str) -> str:
    return digest(space, xy.tobytes())


def _label(method: str, settings: Mapping[str, Any], like: Layout | None = None) -> str:
    """The name a layout is stored under.

    >>> _label("umap", {"gap": "keep"})
    'umap/gap=keep'
    """
    beside = [f"like={digest(like.space.key, like.xy.tobytes())[:8]}"] if like else []
    return "/".join([method, *(f"{k}={v}" for k, v in sorted(settings.items())), *beside])

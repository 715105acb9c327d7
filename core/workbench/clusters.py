"""Clusters of a map, with names from captions, else by the encoder; stored with the layout."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from core import search as engine
from core.errors import NoTextSearch, PassportMismatch
from core.measure import (
    Clusters,
    by_density,
    by_means,
    clusters_of,
    draw_units,
    named_clusters,
    words_by_encoder,
)
from core.report import layout_name
from core.types import Floats, Progress
from core.workbench.layouts import Layout
from core.workbench.selections import found_terms

if TYPE_CHECKING:
    from core.store import EncodedCollection

COUNTED = 20_000  # items whose words name clusters


def clusters(
    opened: EncodedCollection,
    layout: Layout,
    method: str = "density",
    *,
    k: int = 20,
    encode: bool = False,
    progress: Progress | None = None,
) -> Clusters:
    """Clusters with names from their own captions, else from the words that fit their images.

    What is in which is stored with the layout.

    Args:
        opened: the collection.
        layout: on which they are found, or shown.
        method: "density" (HDBSCAN on the layout) or "means" (k-means of the vectors).
        k: clusters of k-means.
        encode: whether to encode those words where a name is missing, about 800; else they are used
            where they were encoded before.
        progress: called with (words encoded, all).
    """
    space, name = opened.space, _name(layout, method, k)
    stored = opened.collection.artifacts.read_matrix(name, space.key)
    if stored is not None:
        sampled, of = int(stored[0, 0]), stored[1:, 0].astype(np.int64)
        found = clusters_of(layout.xy, of, sampled)
    else:
        found = by_density(layout.xy) if method == "density" else by_means(space, layout.xy, k=k)
        column = np.append(found.sampled, found.of).astype(np.float32)[:, None]
        opened.collection.artifacts.write_matrix(name, space.key, column)
    if not len(found.sizes):
        return found
    unit = space.image_of
    terms = found_terms(opened, unit, draw_units(unit, np.arange(space.n), most=COUNTED))
    named = named_clusters(found, terms)
    vectors = _vocabulary(opened, encode, progress) if named.lacks_names else None
    if vectors is None:
        return named
    words, labels = engine.vocabulary(space)
    fitting = words_by_encoder(found, space, words, vectors, labels)
    return named_clusters(found, terms, fitting, labels or len(words))


def has_clusters(opened: EncodedCollection, layout: Layout, method: str = "density") -> bool:
    """Whether `clusters` need not look for them."""
    name = _name(layout, method, 20)
    return opened.collection.artifacts.read_matrix(name, opened.space.key) is not None


def has_words(opened: EncodedCollection) -> bool:
    """Whether the words that name clusters without captions were encoded."""
    return engine.word_vectors(opened) is not None


def _vocabulary(
    opened: EncodedCollection, encode: bool, progress: Progress | None
) -> Floats | None:
    """The vectors of the words; None where they are not known, or cannot be."""
    if opened.space.n_images:
        with suppress(NoTextSearch, PassportMismatch):
            return engine.word_vectors(opened, encode=encode, progress=progress)
    return None


def _name(layout: Layout, method: str, k: int) -> str:
    by_place = f"clusters/{layout_name(layout.label, layout.xy)}"
    return by_place if method == "density" else f"clusters/means/{k}"

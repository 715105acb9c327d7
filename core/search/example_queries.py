"""Short queries to try on a collection: words that find what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.search.known_matches import (
    everyday_nouns,
    everyday_texts,
    phrases,
    stored_vectors,
    with_articles,
)
from core.types import Bools, Floats, Ints, SpaceCache

if TYPE_CHECKING:
    from core.store import EncodedCollection

TOP = 3
LONGEST = 24  # characters
SAME = 0.5  # share of two words' matches in common, above which one of them is enough

_EXAMPLES = SpaceCache(16)


def example_queries(opened: EncodedCollection, n: int = 6) -> tuple[str, ...]:
    """Labels and caption nouns, each with a match among its first three images; no two alike.

    Which match is known from labels and captions; see `known_matches`. Before any search of the
    collection has stored the words' vectors nothing is encoded: the most frequent words are given,
    untried. Without labels and captions: everyday words whose best image stands out the most.
    """
    texts, _, vectors = _words(opened)
    key = (opened.version, opened.space.key, n, len(vectors) > 0, len(texts))
    return _EXAMPLES.get(key, lambda: _examples(opened, n))


def _words(opened: EncodedCollection) -> tuple[tuple[str, ...], Bools, Floats]:
    """Words, (w, m) which sampled images match each, and their (w, d) vectors, if stored."""
    described = phrases(opened, "image")
    if described.names:
        texts, matches = with_articles(described.names), described.matches
    else:
        texts, matches = everyday_texts("short text"), np.zeros((0, 0), bool)
    return texts, matches, stored_vectors(opened, texts)


def _examples(opened: EncodedCollection, n: int) -> tuple[str, ...]:
    described = phrases(opened, "image")
    texts, matches, vectors = _words(opened)
    # Every second word was tried with an article, which does not suit every word.
    words = described.names or everyday_nouns()
    fits = np.array([len(text) <= LONGEST and text in words for text in texts])
    cosines = vectors @ opened.space.take(described.rows).T
    if not len(matches):
        if not cosines.size:
            return ()
        spread = np.maximum(cosines.std(1), np.finfo(np.float32).tiny)
        best = (cosines.max(1) - cosines.mean(1)) / spread
        return tuple(texts[i] for i in np.argsort(-best) if fits[i])[:n]
    if len(vectors):
        first = np.argsort(-cosines, axis=1)[:, :TOP]
        found = np.take_along_axis(matches, first, axis=1).sum(1)
        fits &= found > 0
    else:
        found = np.zeros(len(texts), int)
    is_label = np.arange(len(texts)) < described.labels
    drawn = np.random.default_rng(0).permutation(len(texts))  # not by the alphabet
    order = np.lexsort((drawn, -matches.sum(1), -found, is_label))  # nouns before names of classes
    return tuple(texts[i] for i in _apart(matches, order[fits[order]])[:n])


def _apart(matches: Bools, order: Ints) -> list[int]:
    """The rows in order, without those that match mostly the same images as one before."""
    chosen: list[int] = []
    for row in order.tolist():
        both = (matches[chosen] & matches[row]).sum(1)
        if not (both > SAME * np.minimum(matches[chosen].sum(1), matches[row].sum())).any():
            chosen.append(row)
    return chosen
